"""The work of a publication in a worker: files, the target, the smoke test, and the row that records it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from core.platform import disk
from core.platform.db.uow import UnitOfWork
from core.platform.tasks.context import Outcome, TaskContext
from core.services.serving import model_card, model_files
from core.services.serving.publishing import publication as publications
from core.services.serving.publishing.actions import address_of
from core.services.serving.publishing.smoke import smoke_test
from core.services.training import models
from core.services.training.results import PublishResult
from core.serving import deployments
from core.serving.deployments import LLAMA_CPP, SmokeTest
from core.serving.model_formats import places
from core.serving.targets import publishing
from core.serving.targets.publishing import Publication, Route
from core.serving.targets.studio import StudioEngine

_WRITER: Final = "worker.serving.gguf_write"
_F16_WIDTH: Final = 2  # bytes per weight of a base's GGUF file
SILENT_S: Final = 300.0  # one large tensor, an upload, or a server that converts


def run(ctx: TaskContext) -> Outcome:
    """Publish the payload's model to its target; the outcome's transaction records the deployment."""
    payload = ctx.payload
    model = models.get_model(str(payload["model_id"]))
    target = publishing(str(payload["target"]))
    connection_id = str(payload.get("connection_id") or "")
    publication = publications.of(model, connection_id)

    def report(first: float, last: float, phase: str) -> Callable[[float, str], None]:
        def tell(share: float, text: str) -> None:
            ctx.raise_if_interrupted()
            ctx.progress(first + (last - first) * min(1.0, share), phase, text)
            ctx.allow(SILENT_S)

        return tell

    report(0, 1, "Planning")(0, f"Asking {target.title} what it takes")
    plan = target.plan(publication)
    files = _files(publication, plan, report(2, 50, "Writing"))
    details = target.publish(publication, plan, files, report(50, 75, "Publishing"))
    details = {**details, "connection_id": connection_id}
    address = address_of(connection_id)
    route = str(details.get("route") or plan.route)
    untested = SmokeTest(skipped="The smoke test did not end.")
    # recorded before the test: it is there now, and the inference process asks the row for its files
    ctx.write(lambda uow: _save(uow, publication, target.id, address, route, details, untested))
    testing = report(75, 99, "Testing")
    testing(0, "Comparing answers with the studio's")
    studio = StudioEngine()
    smoke = smoke_test(
        model,
        lambda messages, options: studio.chat(model.id, messages, options),
        lambda messages, options: target.ask(publication, messages, options),
        str(details.get("quantized") or ""),
        lambda share: testing(share, "Comparing answers with the studio's"),
    )
    if target.id == LLAMA_CPP:
        details["chosen"] = smoke.first_difference is None or smoke.equal > 0
    ctx.event("log", smoke.summary, level="info" if smoke.first_difference is None else "warning")

    def register(uow: UnitOfWork) -> PublishResult:
        _save(uow, publication, target.id, address, route, details, smoke)
        return PublishResult(model_id=model.id, target=target.id, name=publication.name, equal=smoke.equal)

    return Outcome("succeeded", on_commit=register)


def _save(
    uow: UnitOfWork,
    publication: Publication,
    target: str,
    address: str,
    route: str,
    details: dict[str, Any],
    smoke: SmokeTest,
) -> None:
    deployments.save(
        uow,
        model_id=publication.model_id,
        target=target,
        address=address,
        name=publication.name,
        route=route,
        details=details,
        smoke=smoke,
    )


def _files(publication: Publication, plan: Route, report: Callable[[float, str], None]) -> dict[str, Path]:
    """The directory of each format of the plan, written where it is missing; the base's GGUF file as `base`."""
    parts = len(plan.formats) + bool(plan.base_gguf)
    files: dict[str, Path] = {}
    for number, format_id in enumerate(plan.formats):
        part = partial(_part, report, number, parts)
        files[format_id] = model_files.write(publication.model_id, format_id, part)
    base = publication.base
    if plan.base_gguf and base.path is not None:
        target = places.base_gguf(base.id, base.revision, plan.base_gguf)
        if not target.is_file():
            with disk.naming(f"the GGUF file of {base.title}", base.params * _F16_WIDTH, target.parent):
                import_module(_WRITER).write_model(
                    base.path,
                    target,
                    plan.base_gguf,
                    lambda share: report((parts - 1 + share) / parts, f"Writing {base.title} as a GGUF file"),
                    name=base.title,
                    license=model_card.license_id(base),
                )
        files["base"] = target
    return files


def _part(report: Callable[[float, str], None], number: int, parts: int, share: float) -> None:
    report((number + share) / parts, "Writing the files")
