"""Create, change, roll back, archive and delete agents. Each change of how one answers is a further version."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from sqlalchemy import func, select

from core.errors import Conflict
from core.ids import new_id
from core.platform.db.tables import AGENTS, CONVERSATIONS, Agent
from core.platform.db.uow import UnitOfWork, read
from core.services.platform.dependents import Dependents, confirm
from core.services.serving.agents import reading, values
from core.services.serving.agents.values import AgentChanges
from core.services.serving.evaluating import verdicts
from core.services.training import merging
from core.serving.agents import AgentRecord, store
from core.text import plural


def create(*, note: str = "", author: str = "", **given: Unpack[AgentChanges]) -> AgentRecord:
    """Create an agent with its first version; it needs a name and a model. Without a handle, the name becomes one.

    Raises:
        SettingsError: of the field that is wrong. Conflict: the name or the handle is taken.
    """
    own = values.own_values({"name": "", **given})
    content = values.content({"model": "", **given}, values.empty())
    with UnitOfWork() as uow:
        if "handle" not in own:
            taken = {handle for (handle,) in uow.execute(select(AGENTS.c.handle))}
            own["handle"] = values.free_handle(own["name"], taken)
        row = Agent(id=new_id("agent"), name=own["name"], handle=own["handle"], description=own.get("description", ""))
        store.add(uow, row, content, note=values.note(note), author=author)
        uow.commit()
    return reading.get_agent(row.id)


def update(
    agent_id: str, *, note: str = "", author: str = "", seen: int | None = None, **given: Unpack[AgentChanges]
) -> AgentRecord:
    """Change an agent; a change of how it answers is a further version.

    Args:
        seen: the number of the version that the user saw; None: whichever is current.

    Raises:
        SettingsError: of the field that is wrong. NotFound. Conflict: a name is taken, there is a newer version, or
            the verdict on a model that it did not have is *Don't ship*.
    """
    with UnitOfWork() as uow:
        change_in(uow, agent_id, note=note, author=author, seen=seen, **given)
        uow.commit()
    return reading.get_agent(agent_id)


def change_in(
    uow: UnitOfWork,
    agent_id: str,
    *,
    note: str = "",
    author: str = "",
    seen: int | None = None,
    **given: Unpack[AgentChanges],
) -> None:
    """`update` inside the caller's transaction."""
    own, text = values.own_values(given), values.note(note)
    before = store.load_in(uow, agent_id)
    _check_seen(before, seen)
    content = values.content(given, before.version.content()) if set(given) - set(own) else None
    if content is not None:
        _pass_verdicts(before.version.content(), content)
    store.change(uow, before, content, note=text, author=author, **own)


def _pass_verdicts(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Raises Conflict where a model that is new here has the verdict *Don't ship*: `deploy` takes a reason."""
    known, chosen = _answering(before), _answering(after)
    for model_id in sorted(chosen - known):
        verdicts.require(merging.split(model_id)[0])


def _answering(content: Mapping[str, Any]) -> set[str]:
    return {content["model_id"], (content.get("split") or {}).get("model_id", "")} - {""}


def roll_back(agent_id: str, number: int, *, author: str = "", seen: int | None = None) -> AgentRecord:
    """Answer as an earlier version did: a further version with its content.

    Raises:
        NotFound: no such version. SettingsError: one of its models can no longer answer. Conflict: as `update`.
    """
    before = reading.get_agent(agent_id)
    version = reading.get_version(before, number)
    values.still_answers(version)
    with UnitOfWork() as uow:
        agent = store.load_in(uow, before.id)
        _check_seen(agent, seen)
        if version.content() == agent.version.content():
            text = f"“{agent.name}” already answers as version {number:,} did."
            raise Conflict(text, "Choose a version that differs.")
        store.change(uow, agent, version.content(), note=f"As version {number:,}.", author=author)
        uow.commit()
    return reading.get_agent(agent_id)


def rename(agent_id: str, name: str) -> AgentRecord:
    """Rename an agent; its handle remains. Raises SettingsError, Conflict, NotFound."""
    return update(agent_id, name=name)


def archive(agent_ids: Sequence[str]) -> int:
    """Archive agents: they no longer answer, and are hidden until they are restored. Returns how many changed."""
    return store.set_archived(agent_ids, time.time())


def restore(agent_ids: Sequence[str]) -> int:
    """Let archived agents answer again; returns how many changed."""
    return store.set_archived(agent_ids, None)


def delete(agent_id: str, confirm_name: str) -> None:
    """Delete an agent with its versions; its conversations remain. Raises NotFound; Conflict: the name differs."""
    agent = reading.get_agent(agent_id)
    confirm("agent", agent.name, confirm_name)
    with UnitOfWork() as uow:
        store.remove(uow, agent.id)
        uow.commit()


def dependents(agent_id: str) -> Dependents:
    """What depends on an agent, to be named before it is deleted."""
    agent = reading.get_agent(agent_id)
    ((number,),) = read(select(func.count()).select_from(CONVERSATIONS).where(CONVERSATIONS.c.agent_id == agent.id))
    parts = [
        f"Programs that ask for {agent.model_name} get an error.",
        f"{plural(agent.version.number, 'version')} will be lost.",
    ]
    if number:
        parts.append(f"Its {plural(number, 'conversation')} remain to be read.")
    return Dependents(text=" ".join(parts))


def _check_seen(agent: AgentRecord, seen: int | None) -> None:
    if seen is not None and seen != agent.version.number:
        raise Conflict(
            f"“{agent.name}” was changed in the meantime: version {agent.version.number:,} is current.",
            "Read it again, then repeat your change.",
        )
