"""Agents, read: one, all, their versions, and what they have answered."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import func, or_, select

from core.errors import Conflict, NotFound, StudioError
from core.models import base_models
from core.platform.db.tables import AGENTS, CONVERSATIONS, TURNS
from core.platform.db.uow import read
from core.services.serving import connected
from core.services.training import merging, models
from core.serving.agents import PREFIX, AgentRecord, AgentVersionRecord, store

_NAMED = 10  # agents in an error


@dataclass(frozen=True, slots=True)
class AgentFigures:
    """What an agent has answered. Latency is of complete answers, in seconds; None where there is none."""

    conversations: int = 0
    answers: int = 0
    seconds: float | None = None
    first_token_s: float | None = None
    tokens: int = 0
    last_at: float | None = None


def list_agents(*, include_archived: bool = False) -> list[AgentRecord]:
    """The agents, the newest first."""
    return store.load() if include_archived else store.load(AGENTS.c.archived_at.is_(None))


def get_agent(id_or_name: str) -> AgentRecord:
    """The agent with this id, handle, `agent:<handle>` or name. Raises NotFound with the existing ones."""
    bare = id_or_name.removeprefix(PREFIX)
    found = store.load(or_(AGENTS.c.id == bare, AGENTS.c.handle == bare, AGENTS.c.name == id_or_name))
    if not found:
        every = list_agents()
        names = ", ".join(f"“{agent.name}”" for agent in every[:_NAMED]) or "none yet"
        raise NotFound(f"The agent {id_or_name!r} does not exist.", f"Agents: {names}.")
    exact = [agent for agent in found if bare in (agent.id, agent.handle)]
    if not exact and len(found) > 1:
        raise Conflict(f"{len(found)} agents fit {id_or_name!r}.", "Use a handle.")
    return (exact or found)[0]


def users_of(model_id: str) -> list[AgentRecord]:
    """The agents, archived ones too, that answer with a model or fall back to it."""
    return store.users_of([model_id])


def names_of(agent_ids: Collection[str]) -> Mapping[str, str]:
    """The names of agents by their ids; one that was deleted has none."""
    return store.names_of(agent_ids)


def versions(agent_id: str) -> list[AgentVersionRecord]:
    """Every version of an agent, the newest first."""
    return store.versions(agent_id)


def get_version(agent: AgentRecord, number: int) -> AgentVersionRecord:
    """Raises NotFound with the numbers that exist."""
    found = store.versions(agent.id, number)
    if not found:
        text = f"“{agent.name}” has no version {number:,}."
        raise NotFound(text, f"Its versions are 1 to {agent.version.number:,}.")
    return found[0]


def model_title(model_id: str) -> str:
    """The title of a model, also of one that is archived; its id where it was deleted."""
    own, merged = merging.split(model_id)
    with suppress(StudioError):
        if connected.is_connected(model_id):
            return connected.title(model_id)
        if base_models.is_base(model_id):
            return base_models.title_of(model_id)
        return f"{models.get_model(own).name}{' (merged)' if merged else ''}"
    return model_id


def figures(agent_ids: list[str]) -> dict[str, AgentFigures]:
    """What agents have answered, by their ids."""
    complete = TURNS.c.state == "complete"
    query = (
        select(
            TURNS.c.agent_id,
            func.count(),
            func.avg(TURNS.c.seconds).filter(complete),
            func.avg(TURNS.c.first_token_s).filter(complete),
            func.coalesce(func.sum(TURNS.c.completion_tokens), 0),
            func.max(TURNS.c.created_at),
        )
        .where(TURNS.c.agent_id.in_(agent_ids), TURNS.c.role == "assistant")
        .group_by(TURNS.c.agent_id)
    )
    had = select(CONVERSATIONS.c.agent_id, func.count()).where(CONVERSATIONS.c.agent_id.in_(agent_ids))
    talks = {row[0]: row[1] for row in read(had.group_by(CONVERSATIONS.c.agent_id))}
    answered = {row[0]: row for row in read(query)}
    found = {}
    for agent_id in agent_ids:
        _, answers, seconds, first, tokens, last = answered.get(agent_id, ("", 0, None, None, 0, None))
        found[agent_id] = AgentFigures(talks.get(agent_id, 0), answers, seconds, first, int(tokens), last)
    return found
