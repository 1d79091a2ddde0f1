"""*Deploy there*: a tuned model answers at the service that trained it, until it is retired.

Only for services that offer it (`DeployingService`). A task deploys it and follows it until it answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.errors import Conflict, NotFound, ProviderError, StudioError
from core.models.llm.base import Endpoint
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import store
from core.platform.tasks.announce import announce
from core.platform.tasks.context import Outcome, TaskContext
from core.platform.tasks.records import TaskRecord
from core.services.platform import connections, tasks
from core.services.platform.connections import ConnectionRecord
from core.services.serving.publishing.smoke import smoke_test
from core.services.training import models
from core.services.training.models import ModelRecord
from core.services.training.results import PublishResult
from core.serving import deployments
from core.serving.deployments import SERVICE, DeploymentRecord, SmokeTest
from core.serving.targets import openai_server
from core.serving.targets.studio import StudioEngine
from core.text import slug
from core.training.providers.hosted import DeployingService, HostedDeployment

KIND: Final = "hosted_deployment"
AGAIN_S: Final = 15.0
WORDS: Final = {"starting": "Starting", "active": "Answers", "failed": "Failed", "retired": "Retired"}


@dataclass(frozen=True, slots=True)
class ThereChoice:
    """Where a model can be deployed: the title of its service, and the connection that leads to it."""

    service: str
    connection: ConnectionRecord


def choice(model: ModelRecord) -> ThereChoice | None:
    """Where a model can be deployed; None if it was trained here, or its service does not offer it."""
    try:
        service, connection = _service(model)
    except (Conflict, NotFound):
        return None
    return ThereChoice(service.title, connection)


def deployed(model_id: str) -> DeploymentRecord | None:
    """The deployment of a model at its service, as it was seen last; None if there is none."""
    return deployments.find(model_id, SERVICE)


def running(model_id: str) -> TaskRecord | None:
    """The task that deploys a model, while it does."""
    return next((task for task in tasks.list_about(KIND, model_id=model_id) if not task.is_terminal), None)


def failure(model_id: str) -> TaskRecord | None:
    """The newest task that deployed a model, if it failed."""
    newest = tasks.list_about(KIND, model_id=model_id)
    return newest[0] if newest and newest[0].state == "failed" else None


def begin(model_id: str) -> TaskRecord:
    """Deploy a model at its service as a background task; the running one, if there is one.

    Raises:
        NotFound: no such model, or its connection was deleted. Conflict: it is archived, or its service does not offer
            deployments.
    """
    model = models.get_model(model_id)
    if model.state != "active":
        raise Conflict(f"“{model.name}” is archived.", "Restore it first.")
    service, connection = _service(model)
    with UnitOfWork() as uow:
        task = store.create_or_join(
            uow,
            kind=KIND,
            title=f"Deploy “{model.name}” at {service.title}",
            payload={"model_id": model.id, "connection_id": connection.id},
            key=f"{KIND}:{model.id}",
        )
        uow.commit()
    announce(task.id)
    return task


def look(model_id: str) -> DeploymentRecord:
    """Ask the service how a deployment is doing. Raises NotFound: there is none. LlmError: it does not respond."""
    model = models.get_model(model_id)
    found = _found(model)
    service, connection = _service(model)
    with UnitOfWork() as uow:
        _note(uow, model, connection, service.deployment(_endpoint(connection), found.name), found.smoke)
        uow.commit()
    return _found(model)


def retire(model_id: str) -> DeploymentRecord:
    """End the deployment of a model; one that only answers there no longer answers.

    Raises:
        NotFound: there is none. Conflict: it is being deployed. LlmError: the service does not respond; nothing
            changes.
    """
    model = models.get_model(model_id)
    found = _found(model)
    if running(model.id) is not None:
        raise Conflict(f"“{model.name}” is being deployed.", "Cancel that under Background jobs first.")
    service, connection = _service(model)
    service.retire(_endpoint(connection), found.name)
    with UnitOfWork() as uow:
        models.set_answering(uow, model.id, "")
        uow.commit()
    deployments.remove(found.id)
    return found


def run(ctx: TaskContext) -> Outcome:
    """One visit: deploy, or look how it is doing. It ends when the model answers.

    Raises:
        ProviderError: the service cannot deploy it, or has retired it; with its reason.
    """
    model = models.get_model(str(ctx.payload["model_id"]))
    service, connection = _service(model)
    ctx.raise_if_interrupted()
    endpoint = _endpoint(connection)
    ctx.allow(endpoint.timeout_s + 10)
    before = deployed(model.id)
    follows = before is not None and before.details.get("state") == "starting"
    if before is not None and follows:
        seen = service.deployment(endpoint, before.name)
    else:
        ctx.progress(10, "Deploying", f"Asking {service.title}")
        remote = model.hosted.remote_id if model.hosted else ""
        seen = service.deploy(endpoint, remote, name=slug(model.name)[:40].strip("-") or "model")
    ctx.write(lambda uow: _note(uow, model, connection, seen, SmokeTest(skipped="Not compared yet.")))
    if seen.state in ("failed", "retired"):
        why = f": {seen.reason.rstrip('.')}." if seen.reason else "."
        raise ProviderError(f"{service.title} cannot deploy the model{why}", "Look at it in the service's console.")
    if seen.state == "starting":
        ctx.progress(40, "Starting", f"{service.title} says “{seen.provider_status}”")
        return Outcome("waiting", again_in_s=AGAIN_S)
    ctx.progress(70, "Testing", "Comparing answers with the studio's")
    smoke = _compared(ctx, model, connection, seen.name)

    def register(uow: UnitOfWork) -> PublishResult:
        _note(uow, model, connection, seen, smoke)
        return PublishResult(model_id=model.id, target=SERVICE, name=seen.name, equal=smoke.equal)

    return Outcome("succeeded", on_commit=register)


def _compared(ctx: TaskContext, model: ModelRecord, connection: ConnectionRecord, name: str) -> SmokeTest:
    """The smoke test against the studio's own answers; skipped where this studio cannot answer for the model."""
    if model.only_there:
        return SmokeTest(skipped="Not compared: the model does not answer in this studio.")
    studio, endpoint = StudioEngine(), _endpoint(connection)
    try:
        return smoke_test(
            model,
            lambda messages, options: studio.chat(model.id, messages, options),
            lambda messages, options: openai_server.stream(connection.name, endpoint, name, messages, options),
            "",
            lambda share: ctx.progress(70 + 29 * share, "Testing", "Comparing answers with the studio's"),
        )
    except StudioError as error:  # it answers there all the same
        ctx.event("log", f"Not compared: {error.message}", level="warning")
        return SmokeTest(skipped=f"Not compared: {error.message}")


def _note(
    uow: UnitOfWork,
    model: ModelRecord,
    connection: ConnectionRecord,
    seen: HostedDeployment,
    smoke: SmokeTest,
) -> None:
    """Store what was seen; a model that only answers there answers while the deployment is active."""
    deployments.save(
        uow, model_id=model.id, target=SERVICE, address=connection.base_url, name=seen.name,
        route="Paid by the token", smoke=smoke,
        details={
            "connection_id": connection.id, "state": seen.state, "provider_status": seen.provider_status,
            "known": seen.known, "reason": seen.reason,
        },
    )  # fmt: skip
    models.set_answering(uow, model.id, seen.name if seen.state == "active" else "")


def _service(model: ModelRecord) -> tuple[DeployingService, ConnectionRecord]:
    """Raises Conflict: the model was trained here, or its service offers no deployments. NotFound."""
    if model.hosted is None:
        raise Conflict(f"“{model.name}” was trained here.", "Publish it instead.")
    connection = connections.get(model.hosted.connection_id)
    service = connection.service
    if service is None or service.id != model.hosted.service or not isinstance(service, DeployingService):
        title = service.title if service else f"“{connection.name}”"
        raise Conflict(f"{title} does not deploy models over its API.", "Look in the service's console.")
    return service, connection


def _endpoint(connection: ConnectionRecord) -> Endpoint:
    return connections.endpoint_of(connection.id)


def _found(model: ModelRecord) -> DeploymentRecord:
    found = deployed(model.id)
    if found is None:
        raise NotFound(f"“{model.name}” is not deployed at its service.", "Deploy it there first.")
    return found
