"""What a step of the loop begins: a draft of the job that retrains, with the parent's settings."""

from __future__ import annotations

from core.errors import Conflict
from core.services.platform import drafts
from core.services.platform.drafts import DraftRecord
from core.services.serving.loop.records import Round
from core.services.training import jobs


def retrain(now: Round) -> DraftRecord:
    """A draft of a job on the mixed dataset, with the settings of the parent's job.

    Raises:
        Conflict: there is no dataset yet.
    """
    if not now.mixed:
        raise Conflict("There is no dataset to train on yet.", "Make one from the feedback, and mix it.")
    if now.parent_job:
        choices = jobs.choices_of(now.parent_job) | {
            "name": None,
            "description": f"Follows “{now.parent_title}”, with the corrections of its answers.",
            "parent_job_id": now.parent_job,
        }
    else:
        choices = {"base_model": now.parent}
    return drafts.create("job", {**choices, "dataset_id": now.mixed}, step="model")
