"""Publish and retire a model, and choose which engine answers for it."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import Conflict, NotFound, SettingsError
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import store
from core.platform.tasks.announce import announce
from core.platform.tasks.records import TaskRecord
from core.services.platform import connections, tasks
from core.services.serving.publishing import publication
from core.services.training import merging, models
from core.services.training.models import ModelRecord
from core.serving import deployments
from core.serving.deployments import DeploymentRecord
from core.serving.model_formats import MODEL_FORMATS
from core.serving.targets import TARGETS, publishing

KIND = "publish"


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """The engine that answers for a model, with the measured tokens per second of both (None: not measured)."""

    engine: str
    studio_tokens_per_s: float | None
    llama_cpp_tokens_per_s: float | None


def begin(model_id: str, target_id: str, connection_id: str = "") -> TaskRecord:
    """Publish a model as a background task; returns the running one if there is one.

    Args:
        connection_id: of a saved connection of the target's kind; "" for a target inside the studio.

    Raises:
        NotFound: no such model, target or connection. Conflict: the model is archived.
        SettingsError: the target cannot serve the model, or no connection was chosen; says why.
        ProviderError: the server does not respond, or takes none of what the model can become.
    """
    model = models.get_model(model_id)
    target = publishing(target_id)
    if model.state != "active":
        raise Conflict(f"“{model.name}” is archived.", "Restore it first.")
    verdict = target.can_serve(*models.base_and_method(model))
    if not verdict.ok:
        raise SettingsError(f"{target.title}: {verdict.reason}", "Choose another target.")
    if target.connection and not connection_id:
        raise SettingsError(f"{target.title} needs the address of a server.", "Add a connection in Settings.")
    plan = target.plan(publication.of(model, connection_id if target.connection else ""))
    complete = any(MODEL_FORMATS.get(format_id).complete for format_id in plan.formats)
    merge = merging.begin(model.id) if complete and merging.can_merge(model) else None
    with UnitOfWork() as uow:
        task = store.create_or_join(
            uow,
            kind=KIND,
            title=f"Publish “{model.name}” to {target.title}",
            payload={"model_id": model.id, "target": target.id, "connection_id": connection_id},
            key=f"{KIND}:{model.id}:{target.id}:{connection_id}",
            after_task_id=merge.id if merge else None,
        )
        uow.commit()
    announce(task.id)
    return task


def running(model_id: str) -> list[TaskRecord]:
    """The unfinished publications of a model."""
    return [task for task in tasks.list_about(KIND, model_id=model_id) if not task.is_terminal]


def last_failure(model_id: str) -> TaskRecord | None:
    """The newest publication of a model, if it failed."""
    newest = tasks.list_about(KIND, model_id=model_id)
    return newest[0] if newest and newest[0].state == "failed" else None


def retire(model_id: str, target_id: str, address: str = "") -> DeploymentRecord:
    """Remove a model from a target.

    Raises:
        NotFound: it is not published there. ProviderError: the server does not respond; nothing changes.
    """
    model = models.get_model(model_id)
    found = deployments.find(model.id, TARGETS.get(target_id).id, address)
    if found is None:
        raise NotFound(f"“{model.name}” is not published to {TARGETS.get(target_id).title}.", "")
    connection_id = str(found.details.get("connection_id") or "")
    publishing(target_id).retire(publication.of(model, connection_id, name=found.name), found.details)
    deployments.remove(found.id)
    return found


def forget(deployment: DeploymentRecord) -> None:
    """Remove a deployment from the list where its server no longer exists."""
    deployments.remove(deployment.id)


def choose_engine(model_id: str, engine: str) -> None:
    """Let the studio's engine or llama.cpp answer for a model. Raises NotFound: it is not published to llama.cpp."""
    deployments.set_engine(models.get_model(model_id).id, engine)


def engine_choice(model: ModelRecord) -> EngineChoice | None:
    """The choice between both engines; None where the model is not published to llama.cpp."""
    found = deployments.find(model.id, deployments.LLAMA_CPP)
    if found is None:
        return None
    return EngineChoice(
        deployments.engine_of(model.id), found.smoke.studio_tokens_per_s, found.smoke.target_tokens_per_s
    )


def address_of(connection_id: str) -> str:
    """The address of a connection; "" for none."""
    return connections.endpoint_of(connection_id).base_url if connection_id else ""
