"""Downloads of base models from the Hub, as background tasks: one per model at a time."""

from __future__ import annotations

from core.errors import SettingsError
from core.models import base_models
from core.models.base_models import hub_cache
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import store
from core.platform.tasks.announce import announce
from core.platform.tasks.records import TaskRecord
from core.services.platform import tasks

KIND = "download"


def start(model_id: str) -> TaskRecord:
    """Download a model from the Hub; returns the running task if there is one for this model.

    Args:
        model_id: `org/name`, or `org/name@revision`.

    Raises:
        SettingsError: this is not a model id of the Hub.
    """
    hub_id, _, revision = model_id.partition("@")
    if not hub_cache.is_hub_id(hub_id):
        raise SettingsError(f"{model_id!r} is not a Hugging Face model id.", "Use org/name, such as Qwen/Qwen3-0.6B.")
    if (task := latest(model_id)) and (task.is_active or task.state == "paused"):
        return task if task.is_active else tasks.request(task.id, "resume")
    attempt = len(store.find(kind=KIND, limit=1_000))
    with UnitOfWork() as uow:
        task, _ = store.create(
            uow,
            kind=KIND,
            title=f"Download {base_models.title_of(model_id)}",
            payload={"model_id": model_id, "hub_id": hub_id, "revision": revision},
            idempotency_key=f"download:{model_id}:{attempt}",
        )
        uow.commit()
    announce(task.id)
    return task


def latest(model_id: str) -> TaskRecord | None:
    """The newest download of a model, in any state."""
    return next((task for task in store.find(kind=KIND, limit=200) if task.payload.get("model_id") == model_id), None)
