"""The results of the training wing's background tasks."""

from __future__ import annotations

from dataclasses import dataclass

from core.platform.tasks.results import TaskResult


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingResult(TaskResult):
    """Of a training run: the id and the name of its model."""

    model_id: str
    model: str = ""
    final_loss: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeResult(TaskResult):
    """Of a merge; `logit_difference` is the largest one between the adapter and the merged model."""

    model_id: str
    size_bytes: int
    logit_difference: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportResult(TaskResult):
    """Of a model written in a format (`core.serving.model_formats`)."""

    model_id: str
    format: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishResult(TaskResult):
    """Of a publication; `equal` is how many answers of the smoke test are the studio's."""

    model_id: str
    target: str
    name: str
    equal: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadResult(TaskResult):
    """Of a download of a base model. `revision` is the commit on the Hub, "" for other sources.

    `download_s` and `restore_s` are seconds; 0 where that part was not needed.
    """

    hub_id: str
    revision: str
    bytes: int
    source: str = "hub"
    download_s: float = 0.0
    restore_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreResult(TaskResult):
    """Of a base model restored from a GGUF file; `quantization` is the type of most of its weights there."""

    base_id: str
    quantization: str
    seconds: float
