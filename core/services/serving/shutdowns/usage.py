"""Which models of providers are used here: by agents, in evaluations, and as tuned models that a provider holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    `job_id` and `dataset_id` those of the training of a tuned model."""

    kind: Literal["agent", "evaluation", "tuned"]
    id: str
    title: str
    host: str
    model: str
    model_id: str
    job_id: str = ""
    dataset_id: str = ""


def uses() -> list[Use]:
    """Every use; a few queries."""
    hosts = _hosts()
    there = _tuned(hosts)
    found = [use for name, use in there.items() if name == use.id]
    current = (AGENT_VERSIONS.c.agent_id == AGENTS.c.id) & (AGENT_VERSIONS.c.number == AGENTS.c.current_version)
    agents = select(AGENTS.c.id, AGENTS.c.name, AGENT_VERSIONS).join(AGENT_VERSIONS, current)
    for row in read(agents.where(AGENTS.c.archived_at.is_(None))):
        named = (row.model_id, row.fallback_model_id, (row.split or {}).get("model_id", ""))
        found += [Use("agent", row.id, row.name, *at, name) for name in named if (at := _place(name, hosts, there))]
    for row in read(select(EVALUATIONS).where(EVALUATIONS.c.archived_at.is_(None))):
        asked = [str(model.get("id", "")) for model in row.models]
        found += [Use("evaluation", row.id, row.name, *at, n) for n in asked if (at := _place(n, hosts, there))]
    return found


def places(model_ids: Iterable[str]) -> dict[str, tuple[str, str]]:
    """The host and the name there of each model that a provider answers for, used here or not; others are left out."""
    hosts = _hosts()
    there = _tuned(hosts)
    return {name: at for name in model_ids if (at := _place(name, hosts, there))}


def _hosts() -> dict[str, str]:
    return {record.id: host_of(record.base_url) for record in connections.list_connections() if record.base_url}


def _tuned(hosts: Mapping[str, str]) -> dict[str, Use]:
    """The tuned models that answer at a provider only, by their id here and by that of the model behind its connection.

    One whose adapter is here needs its provider no longer.
    """
    query = select(
        MODELS.c.id, MODELS.c.name, MODELS.c.base_model, MODELS.c.job_id, MODELS.c.dataset_id, MODELS.c.manifest
    )
    query = query.add_columns(JOBS.c.connection_id).join(JOBS, JOBS.c.id == MODELS.c.job_id)
    found: dict[str, Use] = {}
    for row in read(query.where(JOBS.c.connection_id.is_not(None), MODELS.c.state == "active")):
        host, there = hosts.get(row.connection_id), row.manifest.get("hosted") or {}
        if host and not there.get("answers_here"):
            use = Use("tuned", row.id, row.name, host, row.base_model, row.id, row.job_id, row.dataset_id)
            found[row.id] = found[connected_id(row.connection_id, str(there.get("model") or row.id))] = use
    return found


def _place(named: str, hosts: Mapping[str, str], there: Mapping[str, Use]) -> tuple[str, str] | None:
    """The host and the name there of a model that a provider answers for, its base if it was tuned here; else None."""
    if use := there.get(named):
        return use.host, use.model
    connection_id, _, name = named.removeprefix(PREFIX).partition(":")
    host = hosts.get(connection_id, "") if named.startswith(PREFIX) else ""
    return (host, name) if host and name else None


def host_of(url: str) -> str:
    """The host of an address, in lower case."""
    return (urlsplit(url).hostname or "").lower()
