"""The start of the task that a wizard's draft describes: a conversion, a smart run, an import of conversations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from core.errors import Conflict
from core.platform.tasks import store
from core.platform.tasks.records import TaskRecord
from core.services.data.datasets.writing import check_characters, check_hold_out, enqueue
from core.services.platform import drafts


def start_draft(
    draft_id: str, kind: str, key: str, verb: str, upload: str, describe: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> TaskRecord:
    """Start the task of a draft; calling it again returns the same task.

    If the task failed or was cancelled, the draft can be changed and started again, as a new task.

    Args:
        verb: begins the task's title, before the name of the dataset.
        upload: what the first step uploads, for the message where it is missing.
        describe: the payload besides draft, name, description and hold-out, from the draft's state.

    Raises:
        DataError: something is missing or invalid. Conflict: the name is taken, or nothing is uploaded.
    """
    draft = drafts.get(draft_id)
    state = draft.state
    if "source_id" not in state:
        raise Conflict(f"This draft has no {upload} yet.", "Upload one in step 1.")
    if draft.result_id and (earlier := store.get(draft.result_id)).state not in ("failed", "cancelled"):
        return earlier
    described = describe(state)
    check_hold_out(state.get("hold_out"))
    name, description = str(state.get("name") or "").strip(), str(state.get("description") or "")
    check_characters(name, description)
    about = {"draft_id": draft_id, "name": name, "description": description, "hold_out": state.get("hold_out")}
    # The key includes the previous attempt, so that two clicks at once create one task, also at a restart.
    key = f"{key}:{draft_id}" + (f":after:{draft.result_id}" if draft.result_id else "")
    task = enqueue(kind, f"{verb} “{name}”", {**about, **described}, key)
    drafts.finish(draft_id, task.id, replaces=draft.result_id)
    return task
