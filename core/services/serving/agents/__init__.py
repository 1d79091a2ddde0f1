"""Agents: created, changed version by version, rolled back, given a model, and resolved to what answers."""

from __future__ import annotations

from core.services.serving.agents.changing import (
    archive,
    create,
    delete,
    dependents,
    rename,
    restore,
    roll_back,
    update,
)
from core.services.serving.agents.deploying import deploy, move_off
from core.services.serving.agents.differences import AgentDifference, diff, differences
from core.services.serving.agents.listing import LISTING, look_up, newest
from core.services.serving.agents.reading import (
    AgentFigures,
    figures,
    get_agent,
    get_version,
    list_agents,
    model_title,
    names_of,
    users_of,
    versions,
)
from core.services.serving.agents.resolving import FALLBACK, ResolvedAgent, resolve
from core.services.serving.agents.values import MAX_NAME, AgentChanges
from core.serving.agents import PREFIX, AgentRecord, AgentSettings, AgentVersionRecord, TrafficSplit
