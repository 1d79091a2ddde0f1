"""Who wrote an example: the flag and the provenance of examples that a language model wrote."""

from __future__ import annotations

from typing import Any, Final

from core.data.conversion.smart.prompts import PROMPT_VERSION
from core.data.conversion.smart.recipe import SmartRecipe
from core.platform.tasks.records import TaskRecord
from core.services.platform import connections

WRITTEN_BY_MODEL: Final = "written_by_model"  # flag of every example that a model wrote


def writer_of(recipe: SmartRecipe) -> dict[str, str]:
    """The writer, for a task's payload: the connection may be deleted before the work ends."""
    record = connections.get(recipe.connection_id)
    return {"connection": record.name, "kind": record.kind}


def provenance_of(recipe: SmartRecipe, task: TaskRecord) -> dict[str, Any]:
    """The writer of an example: model, connection, prompt and task."""
    return {
        "model": recipe.model,
        **(task.payload.get("writer") or writer_of(recipe)),  # missing in tasks of earlier releases
        "prompt_version": PROMPT_VERSION,
        "task_id": task.id,
    }
