"""The list of agents: what can be searched, filtered and sorted."""

from __future__ import annotations

from typing import Final

from sqlalchemy import func

from core.platform.db import cursors
from core.platform.db.listing import Facet, Listing, Slice, Sort, View, in_order, look_up as look_up_in
from core.platform.db.tables import AGENT_VERSIONS, AGENTS
from core.services.serving.agents.reading import model_title
from core.serving.agents import AgentRecord, store

_CURRENT: Final = (AGENT_VERSIONS.c.agent_id == AGENTS.c.id) & (AGENT_VERSIONS.c.number == AGENTS.c.current_version)

LISTING: Final = Listing(
    key=AGENTS.c.id,
    rows=AGENTS.join(AGENT_VERSIONS, _CURRENT),
    search=(AGENTS.c.name, AGENTS.c.handle, AGENTS.c.description, AGENT_VERSIONS.c.system),
    sorts=(
        Sort("changed", "Last changed first", AGENTS.c.updated_at, down=True),
        Sort("newest", "Newest first", AGENTS.c.created_at, down=True),
        Sort("name", "Name, A to Z", func.lower(AGENTS.c.name)),
    ),
    filters=(Facet("model", "Model", AGENT_VERSIONS.c.model_id, model_title),),
    archived=AGENTS.c.archived_at.is_not(None),
)


def newest(after: str = "", *, archived: bool = False, limit: int = 50) -> list[AgentRecord]:
    """A page of the agents, the newest first. Raises DataError if no agent has the id `after`."""
    ids = cursors.newest(LISTING, AGENTS, after, archived=archived, limit=limit)
    return in_order(tuple(ids), {agent.id: agent for agent in store.load(AGENTS.c.id.in_(ids))})


def look_up(view: View) -> tuple[Slice, list[AgentRecord]]:
    """One page of the list."""
    found = look_up_in(LISTING, view)
    return found, in_order(found.ids, {agent.id: agent for agent in store.load(AGENTS.c.id.in_(found.ids))})
