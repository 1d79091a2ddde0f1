"""The kinds of background tasks: for each kind one record that the worker, the services and the screens read.

To add a kind: write its handler in `worker/handlers/<kind>.py`, and add one line here. The handler is a dotted name,
because `core` never imports the worker, and because training's modules load torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from core.registry import Registry

Queue = Literal["gpu", "cpu", "io"]
QUEUES: Final[tuple[Queue, ...]] = ("gpu", "cpu", "io")  # gpu means training, on whatever device there is


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskKind:
    """What the studio knows about one kind of background task.

    Args:
        id: the value in the column `kind`; stored, so it never changes.
        title: the kind's name on the screens.
        icon: a Material symbol.
        queue: the queue of its workers.
        handler: `module:function`; the function takes a TaskContext and returns an Outcome.
        makes_version: its result is a new dataset version (`dataset_id`), whose quality check starts at once.
        validates_first: a pending task becomes `validating`, and `running` when the handler calls `ctx.validated()`.
        resumes_from_workdir: its working directory is kept over pauses, failures and retries, because the handler
            continues from the files there; of other kinds it is emptied at every end.
        can_pause: it can be paused, and stopped so that the part that is done is kept.
        can_keep: its last checkpoint can be kept after it failed or was cancelled.
        reads: paths in the payload to ids of datasets or dataset versions that an unfinished task needs, for example
            `dataset_id` or `parts.version_id`; such a dataset cannot be deleted.
        changes_dataset: it makes the next version of the existing dataset in the payload's `dataset_id`.
        opens: the screen that shows the task, and the payload's key with the id that the screen expects.
        shown_as_result: the home screen lists the dataset or job that it makes, not the task.
    """

    id: str
    title: str
    icon: str
    queue: Queue
    handler: str
    makes_version: bool = False
    validates_first: bool = False
    resumes_from_workdir: bool = False
    can_pause: bool = False
    can_keep: bool = False
    reads: tuple[str, ...] = ()
    changes_dataset: bool = False
    opens: tuple[str, str] | None = None
    shown_as_result: bool = False

    def ids_read(self, payload: Mapping[str, Any]) -> frozenset[str]:
        """The ids of datasets or dataset versions that a task with this payload reads."""
        return frozenset(value for path in self.reads for value in _values(payload, path.split(".")))


def _values(node: Any, path: list[str]) -> list[str]:
    """The strings at a path; of a list on the way, those of each item."""
    if isinstance(node, list | tuple):
        return [value for item in node for value in _values(item, path)]
    if path:
        return _values(node.get(path[0]), path[1:]) if isinstance(node, Mapping) else []
    return [str(node)] if node else []


KINDS: Final = Registry[TaskKind]("kind of background task")


def kind_of(kind_id: str) -> TaskKind:
    """The kind with this id; for a kind that no longer exists a record with no abilities, so that old rows are shown.

    The worker asks `KINDS.get` instead, which raises NotFound.
    """
    if kind_id in KINDS:
        return KINDS.get(kind_id)
    title = kind_id.replace("_", " ").capitalize()
    return TaskKind(id=kind_id, title=title, icon="pending_actions", queue="cpu", handler="")


KINDS.add(
    TaskKind(
        id="conversion",
        title="Conversion",
        icon="transform",
        queue="cpu",
        handler="worker.handlers.conversion:handle",
        makes_version=True,
        shown_as_result=True,
    )
)
KINDS.add(
    TaskKind(
        id="import",
        title="Import",
        icon="upload_file",
        queue="cpu",
        handler="worker.handlers.conversion:handle",
        makes_version=True,
        shown_as_result=True,
    )
)
KINDS.add(
    TaskKind(
        id="chat_import",
        title="Import of conversations",
        icon="forum",
        queue="cpu",
        handler="worker.handlers.chat_import:handle",
        makes_version=True,
    )
)
KINDS.add(
    TaskKind(
        id="validation",
        title="Dataset check",
        icon="rule",
        queue="cpu",
        handler="worker.handlers.validation:handle",
    )
)
KINDS.add(
    TaskKind(
        id="quality", title="Quality check", icon="verified", queue="cpu", handler="worker.handlers.quality:handle"
    )
)
KINDS.add(
    TaskKind(
        id="edit",
        title="Edit",
        icon="edit",
        queue="cpu",
        handler="worker.handlers.edit:handle",
        makes_version=True,
        reads=("dataset_id",),
        changes_dataset=True,
    )
)
KINDS.add(
    TaskKind(
        id="mix",
        title="Mix",
        icon="merge",
        queue="cpu",
        handler="worker.handlers.mix:handle",
        makes_version=True,
        reads=("parts.version_id",),
    )
)
KINDS.add(
    TaskKind(
        id="smart",
        title="Smart mode",
        icon="edit_note",
        queue="io",
        handler="worker.handlers.smart:handle",
        makes_version=True,
        can_pause=True,
    )
)
KINDS.add(
    TaskKind(
        id="smart_again",
        title="Retry of failed rows",
        icon="refresh",
        queue="io",
        handler="worker.handlers.smart_again:handle",
        makes_version=True,
        can_pause=True,
        reads=("dataset_id",),
        changes_dataset=True,
    )
)
KINDS.add(
    TaskKind(
        id="variations",
        title="Variations",
        icon="edit_note",
        queue="io",
        handler="worker.handlers.variations:handle",
        makes_version=True,
        can_pause=True,
        reads=("dataset_id",),
        changes_dataset=True,
    )
)
KINDS.add(
    TaskKind(
        id="starter",
        title="Starter model",
        icon="deployed_code",
        queue="gpu",
        handler="worker.training.starter:handle",
    )
)
KINDS.add(
    TaskKind(
        id="calibration",
        title="Time measurement",
        icon="speed",
        queue="gpu",
        handler="worker.training.calibrate:handle",
    )
)
KINDS.add(
    TaskKind(id="download", title="Download", icon="download", queue="io", handler="worker.handlers.download:handle")
)
KINDS.add(
    TaskKind(
        id="training",
        title="Training",
        icon="monitoring",
        queue="gpu",
        handler="worker.training.job:handle",
        validates_first=True,
        resumes_from_workdir=True,
        can_pause=True,
        can_keep=True,
        opens=("job", "job_id"),
        shown_as_result=True,
    )
)
KINDS.add(
    TaskKind(
        id="exact_match",
        title="Exact-match test",
        icon="fact_check",
        queue="gpu",
        handler="worker.training.evaluate:handle",
    )
)
KINDS.add(
    TaskKind(
        id="merge",
        title="Merge into the base",
        icon="call_merge",
        queue="gpu",
        handler="worker.training.merge:handle",
    )
)
