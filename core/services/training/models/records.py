"""Frozen records of fine-tuned models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.platform.storage import blocks_of
from core.serving.evaluation import Score
from core.text import plural

VIA: Final = "via:"  # begins the ids of models behind connections
EXACT: Final = "float32"  # holds base plus adapter without rounding


@dataclass(frozen=True, slots=True)
class MergedFiles:
    """The second set of files of a model: base and adapter in one. `path` is their storage prefix.

    `dtype` is torch's name of their precision ("": the base's, of a model merged before it was recorded). `difference`
    is the largest one between the logits of the adapter and of these files, `rounded` of files in the base's precision;
    None where it was not measured.
    """

    path: str
    size_bytes: int
    created_at: float
    dtype: str = ""
    difference: float | None = None
    rounded: float | None = None

    @property
    def exact(self) -> bool:
        return self.dtype == EXACT


@dataclass(frozen=True, slots=True)
class HostedModel:
    """A model at a hosted service: its id there ("" if it does not answer), and the connection that leads to it.

    `answers_here`: its adapter was fetched, and its base model is on this machine.
    """

    connection_id: str
    service: str
    model: str
    remote_id: str
    answers_here: bool

    def id_of(self, name: str) -> str:
        """The id here of a model at the service."""
        return f"{VIA}{self.connection_id}:{name}"


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A fine-tuned model. `state` is active or archived; `path` the storage prefix of its files.

    `version` counts the models of its line (`core.services.training.models.lines`).
    """

    id: str
    name: str
    job_id: str
    job_name: str
    dataset_id: str
    dataset_name: str
    base_model: str
    base_title: str
    method: str
    method_title: str
    state: str
    line_id: str
    version: int
    final_loss: float | None
    path: str
    size_bytes: int
    manifest: dict[str, Any]
    notes: str
    created_at: float
    dataset_deleted: bool
    job_deleted: bool
    tags: tuple[str, ...]

    @property
    def weights_hash(self) -> str:
        """SHA-256 of the tuned weights; "" where the manifest has none."""
        files = self.manifest.get("files", {})
        return next((facts["sha256"] for name, facts in files.items() if name.endswith(".safetensors")), "")

    @property
    def hosted(self) -> HostedModel | None:
        """Where it was trained, for a model of a hosted service; None for one that was trained here."""
        stored = self.manifest.get("hosted")
        return HostedModel(**stored) if stored else None

    @property
    def only_there(self) -> bool:
        """It answers only through its connection: this machine has not what serving it needs."""
        return self.hosted is not None and not self.hosted.answers_here

    @property
    def base_there(self) -> str:
        """The id here of its base model at the service, for a model that only answers there; else ""."""
        return self.hosted.id_of(self.base_model) if self.hosted is not None and self.only_there else ""

    @property
    def merged(self) -> MergedFiles | None:
        """The merged model; None until the adapter is merged (`core.services.training.merging`)."""
        stored = self.manifest.get("merged")
        return MergedFiles(**stored) if stored else None


@dataclass(frozen=True, slots=True)
class ModelScore:
    """A figure of a model in an evaluation, and its base's where that was asked the same.

    One of them is `main`: it is the score of the model, shown where there is room for one. `part` is the source of the
    examples, "" for all of them.
    """

    title: str
    tuned: Score
    base: Score | None
    evaluation_id: str
    main: bool = False
    part: str = ""

    @property
    def points(self) -> float | None:
        """How many percentage points better than the base; None for a figure that is not a share."""
        if self.base is None or self.tuned.unit != "share":
            return None
        return 100 * (self.tuned.value - self.base.value)

    @property
    def text(self) -> str:
        """`72.4%, base 1.7%, of 58 answers`."""
        base = f", base {self.base.text}" if self.base else ""
        return f"{self.tuned.text}{base}, of {plural(self.tuned.total, 'answer')}"


@dataclass(frozen=True, slots=True)
class ModelLine:
    """The versions of one model.

    `front` is the newest of those that were searched for; `versions` are all, newest first; `scores` are theirs by id.
    """

    id: str
    front: ModelRecord
    versions: tuple[ModelRecord, ...]
    scores: Mapping[str, tuple[ModelScore, ...]]

    @property
    def others(self) -> tuple[ModelRecord, ...]:
        """The versions behind the front one."""
        return tuple(version for version in self.versions if version.id != self.front.id)


@dataclass(frozen=True, slots=True)
class ModelDownload:
    """A zip archive on this machine, ready to download."""

    filename: str
    path: Path
    size_bytes: int

    def blocks(self) -> Iterator[bytes]:
        """The archive in blocks of a megabyte."""
        return blocks_of(self.path.open("rb"))
