"""The notice of a dataset that failed validation."""

from __future__ import annotations

from core.platform.budgets import actor
from core.platform.db.tables import FineTuningDataset
from core.platform.db.uow import UnitOfWork
from core.platform.notices import outbox


def notice(uow: UnitOfWork, dataset: FineTuningDataset) -> None:
    """Write it if the dataset has just become `failed`; once for each version."""
    if dataset.state == "failed":
        outbox.send(
            uow,
            "dataset_failed",
            f"“{dataset.name}” failed validation",
            "It has errors that need fixing before a model can be trained on it.",
            outbox.link_to("datasets", {"id": dataset.id}),
            person=actor().concerned,
            once=f"dataset_failed:{dataset.current_version_id}",
        )
