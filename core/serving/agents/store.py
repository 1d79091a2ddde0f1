"""Agents and their versions in the database. What changes one takes the transaction of its caller."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, Select, delete, select, update

from core.errors import Conflict, NotFound
from core.ids import new_id
from core.platform.db.tables import AGENT_VERSIONS, AGENTS, AgentVersion
from core.platform.db.uow import UnitOfWork, read
from core.serving.agents.records import AgentRecord, AgentSettings, AgentVersionRecord, TrafficSplit


def load(*conditions: Any) -> list[AgentRecord]:
    """The agents that meet conditions on their table, the newest first."""
    return [_agent(row) for row in read(_query(*conditions))]


def load_in(uow: UnitOfWork, agent_id: str) -> AgentRecord:
    """An agent inside a transaction; no other one changes it before the commit. Raises NotFound."""
    row = uow.execute(_query(AGENTS.c.id == agent_id).with_for_update(of=AGENTS)).one_or_none()
    if row is None:
        raise NotFound("This agent does not exist. It may have been deleted.", "`sft agents` lists the agents.")
    return _agent(row)


def versions(agent_id: str, *numbers: int) -> list[AgentVersionRecord]:
    """The versions of an agent, or those with these numbers, the newest first."""
    query = select(AGENT_VERSIONS).where(AGENT_VERSIONS.c.agent_id == agent_id)
    if numbers:
        query = query.where(AGENT_VERSIONS.c.number.in_(numbers))
    return [_version(row._mapping) for row in read(query.order_by(AGENT_VERSIONS.c.number.desc()))]


def add(uow: UnitOfWork, row: Any, content: Mapping[str, Any], *, note: str, author: str) -> None:
    """Add an agent with its first version. Raises Conflict where its name or handle is taken."""
    _check_free(uow, row.name, row.handle, but="")
    uow.session.add(row)
    uow.session.flush()
    _add_version(uow, row.id, 1, content, note, author)


def change(
    uow: UnitOfWork,
    agent: AgentRecord,
    content: Mapping[str, Any] | None = None,
    *,
    note: str = "",
    author: str = "",
    **values: Any,
) -> None:
    """Set values of an agent; where it shall answer differently, with a further version. Raises Conflict as `add`."""
    if {"name", "handle"} & set(values):
        _check_free(uow, values.get("name", agent.name), values.get("handle", agent.handle), but=agent.id)
    if content is not None and content != agent.version.content():
        values["current_version"] = agent.version.number + 1
        _add_version(uow, agent.id, agent.version.number + 1, content, note, author)
    if values:
        uow.execute(update(AGENTS).where(AGENTS.c.id == agent.id).values(**values, updated_at=time.time()))


def set_archived(agent_ids: Sequence[str], at: float | None) -> int:
    """Archive agents at a time, or restore them (None); returns how many changed."""
    now = AGENTS.c.archived_at.is_(None) if at is not None else AGENTS.c.archived_at.is_not(None)
    with UnitOfWork() as uow:
        done = uow.execute(update(AGENTS).where(AGENTS.c.id.in_(agent_ids), now).values(archived_at=at)).rowcount
        uow.commit()
    return done


def remove(uow: UnitOfWork, agent_id: str) -> None:
    """Delete an agent with its versions; its conversations remain."""
    uow.execute(delete(AGENT_VERSIONS).where(AGENT_VERSIONS.c.agent_id == agent_id))
    uow.execute(delete(AGENTS).where(AGENTS.c.id == agent_id))


def users_of(model_ids: Collection[str], uow: UnitOfWork | None = None) -> list[AgentRecord]:
    """The agents, archived ones too, whose current version names one of these models."""
    rows = uow.execute(_query()).all() if uow is not None else read(_query())
    agents = (_agent(row) for row in rows)
    return [agent for agent in agents if any(agent.version.uses(model_id) for model_id in model_ids)]


def _query(*conditions: Any) -> Select[Any]:
    current = (AGENT_VERSIONS.c.agent_id == AGENTS.c.id) & (AGENT_VERSIONS.c.number == AGENTS.c.current_version)
    versions = (column.label(f"version_{column.name}") for column in AGENT_VERSIONS.columns)
    query = select(AGENTS, *versions).join(AGENT_VERSIONS, current).where(*conditions)
    return query.order_by(AGENTS.c.created_at.desc(), AGENTS.c.id.desc())


def _check_free(uow: UnitOfWork, name: str, handle: str, *, but: str) -> None:
    taken = select(AGENTS.c.name, AGENTS.c.handle).where(AGENTS.c.id != but)
    for row in uow.execute(taken.where((AGENTS.c.name == name) | (AGENTS.c.handle == handle))):
        field, value = ("name", name) if row.name == name else ("handle", handle)
        text = f"There is already an agent with the {field} “{value}”."
        raise Conflict(text, f"Choose another {field}.", field=field)


def _add_version(
    uow: UnitOfWork, agent_id: str, number: int, content: Mapping[str, Any], note: str, author: str
) -> None:
    uow.session.add(
        AgentVersion(id=new_id("agv"), agent_id=agent_id, number=number, note=note, author=author, **content)
    )
    uow.session.flush()


def _agent(row: Row[Any]) -> AgentRecord:
    values = dict(row._mapping)
    version = {name.removeprefix("version_"): values[name] for name in values if name.startswith("version_")}
    own = {column.name: values[column.name] for column in AGENTS.columns if column.name != "current_version"}
    return AgentRecord(**own, version=_version(version))


def _version(row: Mapping[Any, Any]) -> AgentVersionRecord:
    values = {name: row[name] for name in AgentVersionRecord.__slots__}
    split = values["split"]
    return AgentVersionRecord(
        **{
            **values,
            "settings": AgentSettings.model_validate(values["settings"]),
            "starters": tuple(values["starters"]),
            "split": TrafficSplit(str(split["model_id"]), float(split["share"])) if split else None,
        }
    )


def names_of(agent_ids: Collection[str]) -> Mapping[str, str]:
    """The names of agents by their ids; one that was deleted has none."""
    return dict(_pairs(agent_ids))


def _pairs(agent_ids: Collection[str]) -> Iterator[tuple[str, str]]:
    for row in read(select(AGENTS.c.id, AGENTS.c.name).where(AGENTS.c.id.in_(agent_ids))):
        yield row.id, row.name
