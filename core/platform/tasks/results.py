"""The typed result of a background task: written by its handler, read by services and screens.

Each kind of task defines its result as a subclass of TaskResult, beside its use case. The row stores it as JSON with
its schema version; `of` reads it back, also from a row of an older release, whose missing fields take their defaults.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

from pydantic import TypeAdapter, ValidationError

from core.errors import StorageError
from core.platform.tasks.records import TaskRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult:
    """Base of all results. A subclass whose fields change their meaning raises its `schema_version`."""

    schema_version: int = 1

    def to_dict(self) -> dict[str, Any]:
        """As the task's row stores it."""
        return asdict(self)

    @classmethod
    def of(cls, task: TaskRecord) -> Self:
        """The result of a task that succeeded; fields of a newer release are ignored.

        Raises:
            StorageError: a field is missing or has the wrong type; names it.
        """
        try:
            result = TypeAdapter(cls).validate_python(task.result)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            raise StorageError(
                f"The result of “{task.title}” cannot be read: `{field}`: {first['msg'].lower()}.",
                "Run the task again.",
            ) from error
        return result
