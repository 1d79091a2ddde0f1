"""Where a model can be published, with the reason for each target that cannot serve it; and where it is."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import SettingsError
from core.services.platform import connections
from core.services.training import models
from core.services.training.models import ModelRecord
from core.serving import deployments
from core.serving.deployments import DeploymentRecord
from core.serving.targets import TARGETS, publishing
from core.serving.targets.publishing import PublishingTarget


@dataclass(frozen=True, slots=True)
class TargetChoice:
    """A target for one model. `connections` are the saved servers of its kind (id, name and address); `needs_server`:
    it is reached through one of them."""

    id: str
    title: str
    ok: bool
    reason: str
    needs_server: bool
    connections: tuple[tuple[str, str, str], ...]


def targets(model: ModelRecord) -> tuple[TargetChoice, ...]:
    """Every target that models are published to."""
    base, method = models.base_and_method(model)
    known = connections.list_connections()
    found = []
    for target in TARGETS:
        if not isinstance(target, PublishingTarget):
            continue
        verdict = target.can_serve(base, method)
        servers = tuple((one.id, one.name, one.base_url) for one in known if one.kind == target.connection)
        choice = TargetChoice(target.id, target.title, verdict.ok, verdict.reason, bool(target.connection), servers)
        found.append(choice)
    return tuple(found)


def published(model_id: str) -> list[DeploymentRecord]:
    """Where a model is published, the oldest first; `there` has its deployment at a service."""
    return [one for one in deployments.deployments_of(model_id) if one.target != deployments.SERVICE]


def kind_of(target_id: str) -> str:
    """The kind of connection that leads to a target; "" for one inside the studio."""
    return publishing(target_id).connection


def connection_id(target_id: str, name: str) -> str:
    """The id of a connection by its name or id; "" for a target inside the studio, and the only one where no name is
    given.

    Raises:
        SettingsError: none is of the target's kind, or several are and no name was given; lists them.
    """
    kind = kind_of(target_id)
    if not kind:
        return ""
    known = [one for one in connections.list_connections() if one.kind == kind]
    found = [one for one in known if name in (one.id, one.name)] if name else known
    if len(found) == 1:
        return found[0].id
    listed = ", ".join(f"“{one.name}” ({one.base_url})" for one in known)
    if not known:
        raise SettingsError("No server of this kind is connected.", "Add a connection in Settings.")
    wrong = f"The connection {name!r} does not exist, or is of another kind."
    raise SettingsError(wrong if name else "Several servers are connected.", f"Choose one of: {listed}.")
