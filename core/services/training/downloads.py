"""Base models that the studio fetches, from the Hub or another source: background tasks, one per model at a time."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import SettingsError
from core.models import base_models
from core.models.base_models import BaseModelRef, hub_cache
from core.models.base_models.gguf.file import bits
from core.models.base_models.sources import ModelSource
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import store
from core.platform.tasks.announce import announce
from core.platform.tasks.records import TaskRecord
from core.services.platform import tasks
from core.services.training.results import DownloadResult
from core.text import duration, size as size_text

KIND = "download"
_LOOKED_AT = 50  # finished downloads, newest first, for the measured seconds


@dataclass(frozen=True, slots=True)
class SourceOffer:
    """One source of a base model, as a screen offers it.

    `bytes` are transferred, 0 if that is not known; `seconds` is what it takes as measured by earlier downloads of this
    studio from that source, None before the first.
    """

    source: str
    title: str
    place: str
    bytes: int
    quantization: str
    seconds: float | None

    @property
    def text(self) -> str:
        """Such as "88.6 MB from your package index, about 12 s"."""
        amount = f"{size_text(self.bytes)} from " if self.bytes else "from "
        return f"{amount}{self.place}{f', about {duration(self.seconds)}' if self.seconds else ''}"

    @property
    def precision(self) -> str:
        """How close its weights are to the original ones."""
        return f"{bits(self.quantization)}-bit weights, restored here" if self.quantization else "full precision"


def offers(base: BaseModelRef) -> tuple[SourceOffer, ...]:
    """The sources of a base model, in the order they are tried."""
    measured = _measured() if base.sources else []
    return tuple(
        SourceOffer(
            source=source.id,
            title=source.title,
            place=source.place,
            bytes=base.bytes_from(source),
            quantization=source.quantization,
            seconds=_seconds(base.bytes_from(source), source, measured),
        )
        for source in base.sources
    )


def start(model_id: str, source: str = "") -> TaskRecord:
    """Fetch a base model; returns the unfinished task if there is one for this model, whatever its source.

    Args:
        model_id: `org/name`, `org/name@revision`, or another name of a model in the catalog.
        source: the id of the source to use; "" tries the model's sources in their order.

    Raises:
        SettingsError: this is not a model id of the Hub, or the model has no such source.
    """
    model_id = base_models.canonical(model_id)
    hub_id, _, revision = model_id.partition("@")
    if model_id == "starter":
        raise SettingsError("The starter is not downloaded.", "It is built on this machine when it is first used.")
    if not hub_cache.is_hub_id(hub_id):
        raise SettingsError(f"{model_id!r} is not a Hugging Face model id.", "Use org/name, such as Qwen/Qwen3-0.6B.")
    known = [one.id for one in base_models.sources_of(model_id)]
    if source and source not in known:
        raise SettingsError(f"{model_id} has no source {source!r}.", f"Choose one of: {', '.join(known)}.")
    with UnitOfWork() as uow:
        task = store.create_or_join(
            uow,
            kind=KIND,
            title=f"Download {base_models.title_of(model_id)}",
            payload={"model_id": model_id, "hub_id": hub_id, "revision": revision, "source": source},
            key=f"download:{model_id}",
        )
        uow.commit()
    if task.state == "paused":
        return tasks.request(task.id, "resume")
    announce(task.id)
    return task


def latest(model_id: str) -> TaskRecord | None:
    """The newest download of a model, in any state."""
    found = store.find(kind=KIND, about={"model_id": base_models.canonical(model_id)}, limit=1)
    return found[0] if found else None


def _measured() -> list[DownloadResult]:
    """What this studio has fetched so far, newest first, with the seconds that it took."""
    done = store.find(kind=KIND, states=("succeeded",), limit=_LOOKED_AT)
    return [result for task in done if (result := DownloadResult.of(task)).download_s > 0 and result.bytes > 0]


def _seconds(size: int, source: ModelSource, measured: list[DownloadResult]) -> float | None:
    """Download and conversion in proportion to their size, as the newest download from this source took them."""
    last = next((result for result in measured if result.source == source.id), None)
    return size / last.bytes * (last.download_s + last.restore_s) if last and size else None
