"""Gets a base model from one of its sources: the kind `download`.

The sources are tried in the order of the catalog's entry, or the one that was chosen. The next one follows only where a
source cannot be reached or does not have the model; a cancel and a full disk end the task.
"""

from __future__ import annotations

from importlib import import_module

from core.errors import DataError, ProviderError, StudioError
from core.models import base_models
from core.models.base_models.sources import ModelSource
from core.platform.tasks.context import Outcome, TaskContext
from core.services.training.results import DownloadResult
from worker.fetching import Fetched


def handle(ctx: TaskContext) -> Outcome:
    """Get `hub_id` at `revision` of the payload from its `source`; "" tries all of them."""
    payload = ctx.payload
    hub_id, revision = str(payload["hub_id"]), str(payload.get("revision") or "")
    named = f"{hub_id}@{revision}" if revision else hub_id
    wanted = str(payload.get("source") or "")
    sources = [source for source in base_models.sources_of(named) if wanted in ("", source.id)]
    refused: list[tuple[ModelSource, StudioError]] = []
    for source in sources:
        if refused:
            ctx.event("log", f"{refused[-1][1].message} Trying {source.place}.", level="warning")
        try:
            fetched: Fetched = import_module(source.fetcher).fetch(ctx, hub_id, revision, source)
        except (ProviderError, DataError) as error:
            refused.append((source, error))
            continue
        return Outcome("succeeded", result=_result(hub_id, source, fetched))
    raise _unavailable(hub_id, refused)


def _result(hub_id: str, source: ModelSource, fetched: Fetched) -> DownloadResult:
    return DownloadResult(
        hub_id=hub_id,
        revision=fetched.revision,
        bytes=fetched.bytes,
        source=source.id,
        download_s=round(fetched.download_s, 1),
        restore_s=round(fetched.restore_s, 1),
    )


def _unavailable(hub_id: str, refused: list[tuple[ModelSource, StudioError]]) -> StudioError:
    """One error for all sources that were tried: what each of them said, and what to do about it."""
    if not refused:
        return DataError(f"{hub_id} has no such source.", "Choose another source.", code="base_model")
    if len(refused) == 1:
        return refused[0][1]
    errors = [error for _, error in refused]
    return DataError(
        " ".join([f"{base_models.title_of(hub_id)} could not be fetched.", *(error.message for error in errors)]),
        " ".join(dict.fromkeys(error.remedy for error in errors if error.remedy)),
        code="base_model",
    )
