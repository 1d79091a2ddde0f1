"""Which model answers for an agent in a conversation, with which system message and settings."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import NotFound, StudioError
from core.services.serving import chat
from core.services.serving.agents import reading
from core.services.serving.chat import ServedModel
from core.serving.agents import AgentRecord
from core.serving.targets import ChatOptions

FIRST, SECOND, FALLBACK = "first", "second", "fallback"


@dataclass(frozen=True, slots=True)
class ResolvedAgent:
    """An agent's answer to come. `side` says which of its models it is: first, second (of a split), or fallback.

    `fallback` answers if this model fails before its first token; None where there is none left.
    """

    agent: AgentRecord
    model: ServedModel
    side: str
    fallback: ServedModel | None

    @property
    def system(self) -> str:
        return self.agent.version.system

    @property
    def options(self) -> ChatOptions:
        return self.agent.version.settings.options


def resolve(agent: AgentRecord | str, thread: str) -> ResolvedAgent:
    """The model of an agent for a conversation.

    Args:
        agent: or its id, handle or name.
        thread: what identifies the conversation: one with the same text gets the same side of a split.

    Raises:
        NotFound: the agent does not exist, is archived, or none of its models can answer.
    """
    found = agent if isinstance(agent, AgentRecord) else reading.get_agent(agent)
    if found.archived_at is not None:
        raise NotFound(f"The agent “{found.name}” is archived.", "Restore it under Agents.")
    version = found.version
    wanted = version.model_of(thread)
    fallback = _identity(version.fallback_model_id)
    try:
        model = chat.identity(wanted)
    except StudioError:
        if fallback is None:
            raise
        return ResolvedAgent(found, fallback, FALLBACK, None)
    return ResolvedAgent(found, model, FIRST if wanted == version.model_id else SECOND, fallback)


def _identity(model_id: str) -> ServedModel | None:
    if not model_id:
        return None
    try:
        return chat.identity(model_id)
    except StudioError:
        return None
