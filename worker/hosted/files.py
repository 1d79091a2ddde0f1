"""The files of a job as its service takes them, written from the dataset version that it was launched with."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from core.errors import DataError, NotFound
from core.messages import Example
from core.platform import disk
from core.services.data import datasets
from core.services.training.jobs.records import JobRecord
from core.training.providers.hosted import HostedService
from core.training.providers.hosted_wire import training_file
from core.training.providers.hosted_wire.training_file import ServiceFile

ROOM_BYTES: Final = 64 << 20


def write(job: JobRecord, service: HostedService, folder: Path, split: str) -> ServiceFile | None:
    """Write the examples of a split; None where a validation split has none.

    Raises:
        DataError: the dataset has changed since launch, was deleted, or breaks a rule of the service.
    """
    disk.require(ROOM_BYTES, "the training file", folder)
    path = folder / f"{job.id}-{split}.jsonl"
    file = training_file.write(_examples(job), split, service.file_rules, service.title, path)
    return file if file.examples else None


def _examples(job: JobRecord) -> Iterable[Example]:
    """The dataset version of the spec, verified to have the same contents as at launch."""
    try:
        if datasets.get_version(job.spec.dataset_version_id).sha256 != job.spec.dataset_sha256:
            raise DataError(
                f"The contents of the dataset “{job.dataset_name}” have changed since this job was launched.",
                "Start a new job with the current dataset.",
            )
        yield from datasets.iter_examples(job.spec.dataset_version_id)
    except NotFound as error:
        raise DataError(
            f"The dataset “{job.dataset_name}” was deleted with its examples.", "Start a new job with another dataset."
        ) from error
