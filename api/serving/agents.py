"""`/api/v1/agents`: names that answer with a model, a system message and settings."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Query, Request

from api.platform.records import add_routes, records
from api.platform.scopes import name_of_caller, needs
from api.serving.agent_shapes import (
    AgentChange,
    AgentDifferenceShown,
    AgentShown,
    AgentVersionShown,
    DeployAsked,
    NewAgent,
    changes,
)
from core.services.platform.api_keys import READ, SERVE
from core.services.serving import agents

router: Final = records("/api/v1/agents", "Agents")
_READING: Final = [needs(READ, SERVE)]
_SERVING: Final = [needs(SERVE)]
Number = Annotated[int, Query(ge=1, le=2**31 - 1)]


def _apply(agent_id: str, asked: AgentChange, by: str) -> None:
    if given := changes(asked):
        agents.update(agent_id, note=asked.note, author=by, **given)


@router.post("", dependencies=_SERVING, status_code=201)
def create(asked: NewAgent, request: Request) -> AgentShown:
    """Create an agent with its first version."""
    author = name_of_caller(request)
    return AgentShown.of(agents.create(note=asked.note, author=author, **changes(asked)))


@router.post("/deploy", dependencies=_SERVING)
def deploy(asked: DeployAsked, request: Request) -> list[AgentShown]:
    """Let a model answer for agents, all of their conversations or a share; each gets a further version."""
    by = name_of_caller(request)
    found = agents.deploy(asked.model, asked.agents, share=asked.share, reason=asked.reason, author=by)
    return [AgentShown.of(agent) for agent in found]


ROUTES: Final = add_routes(
    router, agents, agents.get_agent, AgentShown, noun="agent", reading=_READING, writing=_SERVING,
    remains="its conversations remain", change=AgentChange, apply=_apply,
)  # fmt: skip


@router.get("/{agent_id}/versions", dependencies=_READING)
def versions(agent_id: str) -> list[AgentVersionShown]:
    """Every version, the newest first."""
    return [AgentVersionShown.of(version) for version in agents.versions(agents.get_agent(agent_id).id)]


@router.get("/{agent_id}/diff", dependencies=_READING)
def diff(agent_id: str, before: Number, after: Number) -> list[AgentDifferenceShown]:
    """What differs between two versions."""
    found = agents.diff(agents.get_agent(agent_id), before, after)
    return [AgentDifferenceShown.of(one) for one in found]


@router.post("/{agent_id}/rollback", dependencies=_SERVING)
def roll_back(agent_id: str, to: Number, request: Request) -> AgentShown:
    """Answer as an earlier version did: a further version with its content."""
    agent = agents.get_agent(agent_id)
    return AgentShown.of(agents.roll_back(agent.id, to, author=name_of_caller(request)))
