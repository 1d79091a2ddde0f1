"""The files of a job, written from the dataset version that it was launched with."""

from __future__ import annotations

from pathlib import Path

from core.errors import DataError, NotFound
from core.services.data import datasets
from core.services.training.hosted import files
from core.services.training.jobs.records import JobRecord
from core.training.providers.hosted import HostedService
from core.training.providers.hosted_wire.training_file import ServiceFile


def write(job: JobRecord, service: HostedService, folder: Path, split: str) -> ServiceFile | None:
    """Write the examples of a split; None where a validation split has none.

    Raises:
        DataError: the dataset has changed since launch, was deleted, or breaks a rule of the service.
    """
    try:
        if datasets.get_version(job.spec.dataset_version_id).sha256 != job.spec.dataset_sha256:
            raise DataError(
                f"The contents of the dataset “{job.dataset_name}” have changed since this job was launched.",
                "Start a new job with the current dataset.",
            )
        return files.write(job.spec.dataset_version_id, service, folder, split)
    except NotFound as error:
        raise DataError(
            f"The dataset “{job.dataset_name}” was deleted with its examples.", "Start a new job with another dataset."
        ) from error
