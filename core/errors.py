"""The exception tree of the studio.

    StudioError                what happened, with the value, and the remedy
    ├── SettingsError          an environment variable or a setting is wrong
    ├── NotFound               an id or a name does not exist
    ├── Conflict               a name is taken, or another object depends on it
    ├── BudgetReached          a budget does not cover paid work
    ├── DataError              a file, row or example is wrong (code, line, field)
    ├── ProviderError          a training or serving endpoint
    │   ├── ProviderUnavailable    the endpoint does not respond
    │   └── ProviderKeyMissing     the key is not set, or is refused
    ├── JobError               a task or job
    │   ├── InvalidTransition      the task's state does not allow this move
    │   ├── QueueUnavailable       Redis does not respond; the work is saved and starts once it does
    │   └── LeaseLost              another worker holds the task now; nothing was written
    ├── TrainingError          the run itself (cause is stable: out_of_memory, diverged, data, ...)
    │   ├── OutOfMemory
    │   └── Diverged
    └── StorageError           files: missing, corrupt, disk full
        └── DatabaseUnavailable    the database is busy or does not respond; nothing was written

Every error is picklable and has a `message` (what happened, which value) and a `remedy` (what to do).
One boundary turns them into screens (`pages/ui`), one into HTTP answers (`worker/inference`), one into exit codes
(`core/cli`).
"""

from __future__ import annotations


class StudioError(Exception):
    """Base of every expected error: `message` is what happened, with the value; `remedy` is what to do.

    Args:
        field: the argument, column or JSON path that is wrong, or None. A form shows the error under it.
    """

    def __init__(self, message: str, remedy: str = "", *, field: str | None = None) -> None:
        super().__init__(message, remedy)  # what pickle calls the class with
        self.message, self.remedy, self.field = message, remedy, field

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class SettingsError(StudioError):
    """An environment variable or setting has an invalid value."""


class NotFound(StudioError):
    """The id or name does not exist, or no longer exists."""


class Conflict(StudioError):
    """The action conflicts with the present state: a name that is taken, or an object that others depend on."""


class BudgetReached(StudioError):
    """A budget does not cover paid work; nothing was started. A person may start it all the same, with a reason."""


class DataError(StudioError):
    """A file, row or example is wrong.

    Args:
        code: stable finding code, e.g. `json_syntax` (docs/findings.md lists them).
        line: physical line in the file, 1-based, or None where no line applies.
    """

    def __init__(
        self, message: str, remedy: str = "", *, code: str = "data", line: int | None = None, field: str | None = None
    ) -> None:
        super().__init__(message, remedy, field=field)
        self.code, self.line = code, line


class ProviderError(StudioError):
    """A training or serving endpoint answered with an error."""


class ProviderUnavailable(ProviderError):
    """The endpoint does not respond."""


class ProviderKeyMissing(ProviderError):
    """The endpoint needs a key that is not set, or it refused the given one."""


class JobError(StudioError):
    """A task or job cannot do what was requested."""


class InvalidTransition(JobError):
    """The task's present state does not allow this move."""


class QueueUnavailable(JobError):
    """Redis should respond and does not: saved work waits, running work continues."""


class LeaseLost(JobError):
    """Another worker holds the task now; the write was refused and nothing changed."""


class TrainingError(StudioError):
    """The run itself failed; `cause` is a stable word (data, base_model, out_of_memory, diverged, killed, disk)."""

    cause = "training"


class OutOfMemory(TrainingError):
    """CPU or GPU memory ran out."""

    cause = "out_of_memory"


class Diverged(TrainingError):
    """The loss became NaN or infinite."""

    cause = "diverged"


class StorageError(StudioError):
    """A file is missing, corrupt or could not be written."""


class DatabaseUnavailable(StorageError):
    """The database is locked by another program, or its server does not respond; nothing was written."""
