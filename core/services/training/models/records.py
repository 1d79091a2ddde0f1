"""Frozen records of fine-tuned models."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.platform.storage import blocks_of


@dataclass(frozen=True, slots=True)
class MergedFiles:
    """The second set of files of a model: base and adapter in one. `path` is their storage prefix."""

    path: str
    size_bytes: int
    created_at: float


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A fine-tuned model. `state` is active or archived; `path` the storage prefix of its files."""

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
    version: int
    final_loss: float | None
    path: str
    size_bytes: int
    manifest: dict[str, Any]
    notes: str
    created_at: float
    dataset_deleted: bool
    job_deleted: bool

    @property
    def weights_hash(self) -> str:
        """SHA-256 of the tuned weights; "" where the manifest has none."""
        files = self.manifest.get("files", {})
        return next((facts["sha256"] for name, facts in files.items() if name.endswith(".safetensors")), "")

    @property
    def merged(self) -> MergedFiles | None:
        """The merged model; None until the adapter is merged (`core.services.training.merging`)."""
        stored = self.manifest.get("merged")
        return MergedFiles(stored["path"], stored["size_bytes"], stored["created_at"]) if stored else None


@dataclass(frozen=True, slots=True)
class ModelDownload:
    """A zip archive on this machine, ready to download."""

    filename: str
    path: Path
    size_bytes: int

    def blocks(self) -> Iterator[bytes]:
        """The archive in blocks of a megabyte."""
        return blocks_of(self.path.open("rb"))
