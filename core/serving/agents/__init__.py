"""Agents: names that answer with a system message, a model and settings, which change from version to version."""

from __future__ import annotations

from core.serving.agents.records import (
    LONGEST_STARTER,
    LONGEST_SYSTEM,
    MOST_STARTERS,
    PREFIX,
    AgentRecord,
    AgentSettings,
    AgentVersionRecord,
    TrafficSplit,
)

__all__ = [
    "LONGEST_STARTER",
    "LONGEST_SYSTEM",
    "MOST_STARTERS",
    "PREFIX",
    "AgentRecord",
    "AgentSettings",
    "AgentVersionRecord",
    "TrafficSplit",
]
