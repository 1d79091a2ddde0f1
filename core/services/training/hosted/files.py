"""The files of a dataset version as a service takes them. Their names do not depend on a job, so that one that is at
the service is used again."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from core.platform import disk
from core.services.data import datasets
from core.training.providers.hosted import HostedService
from core.training.providers.hosted_wire import training_file
from core.training.providers.hosted_wire.training_file import ServiceFile

ROOM_BYTES: Final = 64 << 20


def write(version_id: str, service: HostedService, folder: Path, split: str) -> ServiceFile | None:
    """Write the examples of a split; None where a validation split has none.

    Raises:
        NotFound: no such version. DataError: it breaks a rule of the service. StorageError: the disk is full.
    """
    disk.require(ROOM_BYTES, "the training file", folder)
    path = folder / f"{version_id}-{split}.jsonl"
    examples = datasets.iter_examples(version_id)
    file = training_file.write(examples, split, service.file_rules, service.title, path)
    return file if file.examples else None
