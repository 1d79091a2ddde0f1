"""Which models of providers are used here: by agents, in evaluations, and as tuned models that a provider holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from sqlalchemy import select

from core.platform.db.tables import AGENT_VERSIONS, AGENTS, EVALUATIONS, JOBS, MODELS
from core.platform.db.uow import read
from core.services.platform import connections
from core.services.serving.connected import PREFIX, model_id as connected_id


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a model. `model_id` is what answers here, `title` the agent, evaluation or tuned model, `id` its id;
    `job_id` the job of a tuned model."""

    kind: Literal["agent", "evaluation", "tuned"]
    id: str
    title: str
    host: str
    model: str
    model_id: str
    job_id: str = ""


def uses() -> list[Use]:
    """Every use; a few queries."""
    hosts = {record.id: host_of(record.base_url) for record in connections.list_connections() if record.base_url}
    found: list[Use] = []
    current = (AGENT_VERSIONS.c.agent_id == AGENTS.c.id) & (AGENT_VERSIONS.c.number == AGENTS.c.current_version)
    agents = select(AGENTS.c.id, AGENTS.c.name, AGENT_VERSIONS).join(AGENT_VERSIONS, current)
    for row in read(agents.where(AGENTS.c.archived_at.is_(None))):
        named = (row.model_id, row.fallback_model_id, (row.split or {}).get("model_id", ""))
        found += [Use("agent", row.id, row.name, *at, name) for name in named if (at := _place(name, hosts))]
    for row in read(select(EVALUATIONS).where(EVALUATIONS.c.archived_at.is_(None))):
        asked = [str(model.get("id", "")) for model in row.models]
        found += [Use("evaluation", row.id, row.name, *at, name) for name in asked if (at := _place(name, hosts))]
    tuned = select(MODELS.c.id, MODELS.c.name, MODELS.c.base_model, MODELS.c.job_id, JOBS.c.connection_id)
    for row in read(tuned.join(JOBS, JOBS.c.id == MODELS.c.job_id).where(JOBS.c.connection_id.is_not(None))):
        if host := hosts.get(row.connection_id):
            found.append(Use("tuned", row.id, row.name, host, row.base_model, row.id, row.job_id))
    return found


def _place(named: str, hosts: dict[str, str]) -> tuple[str, str] | None:
    """The host and the name there of a model behind a connection; None for any other one."""
    connection_id, _, name = named.removeprefix(PREFIX).partition(":")
    host = hosts.get(connection_id, "") if named.startswith(PREFIX) else ""
    return (host, name) if host and name else None


def host_of(url: str) -> str:
    """The host of an address, in lower case."""
    return (urlsplit(url).hostname or "").lower()


def answering(host: str, model: str) -> str:
    """The id under which a provider's model answers here; "" without a connection to it."""
    for record in connections.list_connections():
        if record.base_url and host_of(record.base_url) == host:
            return connected_id(record.id, model)
    return ""
