"""Models that agents use: they are neither archived nor deleted before the agents have another one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from core.errors import Conflict
from core.platform.db.uow import UnitOfWork
from core.serving.agents import store
from core.serving.agents.records import AgentRecord, AgentVersionRecord, is_of
from core.text import plural

NAMED: Final = 5  # names in one sentence


def check_unused(uow: UnitOfWork, titles: Mapping[str, str]) -> None:
    """Raises Conflict if agents use one of these models; names them.

    Args:
        titles: of the models, by their ids.
    """
    if users := store.users_of(titles, uow):
        raise Conflict(
            f"{_models(users, titles)} used by {plural(len(users), 'agent')}: {_named(agent.name for agent in users)}.",
            "Give them another model on Agents, or move them to their fallback model.",
        )


def move(uow: UnitOfWork, titles: Mapping[str, str], author: str = "") -> list[AgentRecord]:
    """Give each agent that uses these models a version without them: its second or fallback model takes over.

    Returns the agents as they were.

    Raises:
        Conflict: an agent has no other model; none has moved then.
    """
    users = store.users_of(titles, uow)
    moved = [(agent, without(agent.version, titles)) for agent in users]
    if stuck := [agent for agent, version in moved if version is None]:
        none = "which has no other model" if len(stuck) == 1 else "which have no other model"
        text = f"{_models(stuck, titles)} used by {_named(agent.name for agent in stuck)}, {none}."
        raise Conflict(text, "Give them a fallback model on Agents.")
    for agent, version in moved:
        if version is not None:
            was = " and ".join(f"“{title}”" for model_id, title in titles.items() if agent.version.uses(model_id))
            store.change(uow, agent, version.content(), note=f"Moved from {was}.", author=author)
    return users


def without(version: AgentVersionRecord, model_ids: Collection[str]) -> AgentVersionRecord | None:
    """The version without these models; None where none is left to answer."""

    def remains(named: str) -> bool:
        return bool(named) and not any(is_of(named, model_id) for model_id in model_ids)

    fallback = version.fallback_model_id if remains(version.fallback_model_id) else ""
    second = version.split.model_id if version.split and remains(version.split.model_id) else ""
    first = version.model_id if remains(version.model_id) else second or fallback
    if not first:
        return None
    return replace(
        version,
        model_id=first,
        fallback_model_id=fallback if fallback != first else "",
        split=version.split if second and second != first else None,
    )


def _models(agents: Sequence[AgentRecord], titles: Mapping[str, str]) -> str:
    used = [title for model_id, title in titles.items() if any(agent.version.uses(model_id) for agent in agents)]
    return f"{_named(used)} {'is' if len(used) == 1 else 'are'}"


def _named(names: Iterable[str]) -> str:
    every = [f"“{name}”" for name in names]
    more = f" and {len(every) - NAMED} more" if len(every) > NAMED else ""
    return ", ".join(every[:NAMED]) + more
