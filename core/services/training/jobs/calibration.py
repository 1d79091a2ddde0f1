"""The measurement of a few real steps on this machine, as a background task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.models import base_models
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import store
from core.platform.tasks.announce import announce
from core.platform.tasks.records import TaskRecord
from core.services.data import datasets
from core.services.platform import tasks
from core.services.training import starter
from core.services.training.jobs.forecasting import forecast
from core.services.training.jobs.spec_builder import freeze, usable
from core.training import engines


def calibrate(
    dataset_id: str,
    base_model: str,
    method: str,
    method_config: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    engine: str = engines.AUTO,
) -> TaskRecord:
    """Measure a few real steps on this machine, as a background task; afterwards `forecast` knows the time.

    The same choices return the same task until it has run; a failed one is retried.
    """
    dataset, base = datasets.get_dataset(dataset_id), usable(base_models.resolve(base_model))
    outlook = forecast(dataset.id, base.id, method, method_config, training, engine)
    spec = freeze(dataset, base, method, method_config, outlook)
    needed = starter.ensure() if base.buildable and not base.ready else None
    with UnitOfWork() as uow:
        task, _ = store.create(
            uow,
            kind="calibration",
            title=f"Measure {base.title} on “{dataset.name}”",
            payload={"key": outlook.calibration_key, "spec": spec.model_dump(mode="json")},
            idempotency_key=f"calibration:{outlook.calibration_key}:{dataset.version.id}",
            after_task_id=needed.id if needed else None,
        )
        uow.commit()
    if task.state in ("failed", "cancelled"):
        return tasks.request(task.id, "retry")
    announce(task.id)
    return task
