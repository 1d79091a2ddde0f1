"""A model given to agents: it answers all of their conversations, or a share of them."""

from __future__ import annotations

from collections.abc import Sequence

from core.errors import SettingsError
from core.platform.db.uow import UnitOfWork
from core.services.serving import served
from core.services.serving.agents import changing, reading, values
from core.services.serving.agents.values import AgentChanges
from core.services.serving.evaluating import verdicts
from core.services.training import merging
from core.serving.agents import AgentRecord, moving


def deploy(
    model: str, agents: Sequence[str], *, share: float | None = None, reason: str = "", author: str = ""
) -> list[AgentRecord]:
    """Let a model answer for agents, all of them or none; each gets a further version. Returns them as they are now.

    Args:
        model: its id, name or slug.
        agents: their ids, handles or names.
        share: of the conversations, for a split with the model that answers now; None: all of them.
        reason: recorded in the note of each version; needed where the newest verdict on the model is *Don't ship*.

    Raises:
        SettingsError: no agent is named, or the model cannot answer. NotFound. Conflict: the verdict on the model is
            *Don't ship*, and no reason is given.
    """
    found = [reading.get_agent(agent) for agent in dict.fromkeys(agents)]
    if not found:
        raise SettingsError("No agent was chosen.", "Choose the agents that the model answers for.", field="agents")
    model_id = values.model_id(model)
    changes = {agent.id: _changes(agent, model_id, share) for agent in found}
    for agent in found:  # an override is not recorded for what cannot be deployed
        values.content(changes[agent.id], agent.version.content())
    title = reading.model_title(model_id)
    note = f"“{title}” deployed{'' if share is None else f' to {share * 100:g}% of the conversations'}."
    note = values.note(f"{note} {reason.strip()}".strip())
    _pass_verdict(model_id, reason, author)
    with UnitOfWork() as uow:
        for agent_id, given in changes.items():
            changing.change_in(uow, agent_id, note=note, author=author, **given)
        uow.commit()
    return [reading.get_agent(agent.id) for agent in found]


def _pass_verdict(model_id: str, reason: str, author: str) -> None:
    """Raises Conflict where the newest verdict is *Don't ship*; a reason overrides it, and is stored with it."""
    own, _ = merging.split(model_id)
    verdict = verdicts.newest(own)
    if reason.strip() and verdict is not None and verdict.blocks:
        verdicts.override(own, reason, author)
    verdicts.require(own)


def _changes(agent: AgentRecord, model_id: str, share: float | None) -> AgentChanges:
    if share is not None:
        return {"split": (model_id, share)}
    fallback = "" if agent.version.fallback_model_id == model_id else agent.version.fallback_model_id
    return {"model": model_id, "split": None, "fallback": fallback}


def move_off(model: str, *, author: str = "") -> list[AgentRecord]:
    """Let the agents that use a model answer with their second or fallback model instead; returns them as they are now.

    Args:
        model: the id or name of a fine-tuned model, or the id of another one.

    Raises:
        Conflict: an agent has no other model; none has moved then.
    """
    tuned = served.tuned_model(model)
    titles = {tuned.id: tuned.name} if tuned else {model: reading.model_title(model)}
    with UnitOfWork() as uow:
        moved = moving.move(uow, titles, author)
        uow.commit()
    return [reading.get_agent(agent.id) for agent in moved]
