"""The kinds of background tasks: for each kind one record that the worker, the services and the screens read.

To add a kind: write its handler in `worker/handlers/<kind>.py`, and add one line here. The module is a dotted name,
because `core` never imports the worker, and because training's modules load torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, Final, Literal

from core.registry import Registry

Queue = Literal["gpu", "cpu", "io"]
QUEUES: Final[tuple[Queue, ...]] = ("gpu", "cpu", "io")  # gpu means training, on whatever device there is
WORKER_TITLES: Final[Mapping[str, str]] = {"gpu": "training worker", "cpu": "data worker", "io": "network worker"}


@dataclass(frozen=True, slots=True)
class TaskKind:
    """What the studio knows about one kind of background task.

    Args:
        id: the value in the column `kind`; stored, so it never changes.
        title: the kind's name on the screens.
        icon: a Material symbol.
        queue: the queue of its workers.
        module: its function `handle` takes a TaskContext and returns an Outcome; by default `worker.handlers.<id>`.
        makes_version: its result is a new dataset version (`dataset_id`), whose quality check starts at once.
        validates_first: a pending task becomes `validating`, and `running` when the handler calls `ctx.validated()`.
        resumes_from_workdir: its working directory is kept over pauses, failures and retries, because the handler
            continues from the files there; of other kinds it is emptied at every end.
        can_pause: it can be paused, and stopped so that the part that is done is kept.
        can_keep: its last checkpoint can be kept after it failed or was cancelled.
        reads: paths in the payload to ids of datasets, dataset versions, jobs or models that an unfinished task needs,
            for example `dataset_id` or `parts.version_id`; such a dataset, or such a model, cannot be deleted.
        changes_dataset: it reads the dataset in the payload's `dataset_id` and makes its next version.
        opens: the screen that shows the task, and the payload's key with the id that the screen expects.
        made: the screen that shows what the task made, changed or tested, and the key of its id in the result or the
            payload: of a dataset for `datasets`, a model for `models`, a model's job for `compare`, a base model for
            `chat` (a key that is not there is the base itself).
        runs_elsewhere: a service does its work, and the task visits it from time to time: once started, a command is
            passed on by a worker even if none is working on the task.
        bill: the module that knows what a task costs, "" if nothing: `spent(task)`, US dollars of all its attempts or
            None where they are not known; and, of a kind that changes or makes a dataset, `upper(payload)`: the most
            that a new task may cost, as a PaidWork.
        shown_as_result: the home screen lists the dataset or job that it makes, not the task.
        noticed: a notice is written when it succeeds or fails: people wait for it.
        quiet: housekeeping; its end is neither a toast nor listed on the home screen.
    """

    id: str
    title: str
    icon: str
    queue: Queue
    _: KW_ONLY
    module: str = ""
    makes_version: bool = False
    validates_first: bool = False
    resumes_from_workdir: bool = False
    can_pause: bool = False
    can_keep: bool = False
    reads: tuple[str, ...] = ()
    changes_dataset: bool = False
    opens: tuple[str, str] | None = None
    made: tuple[str, str] | None = None
    runs_elsewhere: bool = False
    bill: str = ""
    shown_as_result: bool = False
    noticed: bool = False
    quiet: bool = False

    @property
    def handler_module(self) -> str:
        return self.module or f"worker.handlers.{self.id}"

    @property
    def shows(self) -> tuple[str, str] | None:
        """`made`; of a kind that makes a dataset version, that dataset."""
        return self.made or (("datasets", "dataset_id") if self.makes_version else None)

    def ids_read(self, payload: Mapping[str, Any]) -> frozenset[str]:
        """The ids of datasets, dataset versions, jobs and models that a task with this payload reads."""
        paths = (*self.reads, "dataset_id") if self.changes_dataset else self.reads
        return frozenset(value for path in paths for value in _values(payload, path.split(".")))


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
    return TaskKind(kind_id, title, "pending_actions", "cpu")


_WRITING: Final = "core.services.data.smart.costs"

for _kind in (
    TaskKind("conversion", "Conversion", "transform", "cpu", makes_version=True, shown_as_result=True),
    TaskKind(
        "import",
        "Import",
        "upload_file",
        "cpu",
        module="worker.handlers.conversion",
        makes_version=True,
        shown_as_result=True,
    ),
    TaskKind("chat_import", "Import of conversations", "forum", "cpu", makes_version=True),
    TaskKind("validation", "Dataset check", "rule", "cpu", made=("datasets", "dataset_id")),
    TaskKind("quality", "Quality check", "verified", "cpu", made=("datasets", "dataset_id")),
    TaskKind("meaning", "Look by meaning", "scatter_plot", "cpu", made=("datasets", "dataset_id")),
    TaskKind("gaps", "Look for gaps", "travel_explore", "cpu"),
    TaskKind("edit", "Edit", "edit", "cpu", makes_version=True, changes_dataset=True),
    TaskKind("mix", "Mix", "merge", "cpu", makes_version=True, reads=("parts.version_id",)),
    TaskKind("smart", "Smart mode", "edit_note", "io", makes_version=True, can_pause=True, noticed=True, bill=_WRITING),
    TaskKind(
        "smart_again",
        "Retry of failed rows",
        "refresh",
        "io",
        makes_version=True,
        can_pause=True,
        changes_dataset=True,
        bill=_WRITING,
        noticed=True,
    ),
    TaskKind(
        "variations",
        "Variations",
        "edit_note",
        "io",
        makes_version=True,
        can_pause=True,
        changes_dataset=True,
        bill=_WRITING,
        noticed=True,
    ),
    TaskKind(
        "starter", "Starter model", "deployed_code", "gpu", module="worker.training.starter", made=("chat", "starter")
    ),
    TaskKind("calibration", "Time measurement", "speed", "gpu", module="worker.training.calibrate"),
    TaskKind("download", "Download", "download", "io", made=("chat", "model_id")),
    TaskKind(
        "restore",
        "Restored base model",
        "unarchive",
        "io",
        module="worker.training.gguf_restore.task",
        made=("chat", "base_id"),
        noticed=True,
    ),
    TaskKind(
        "training",
        "Training",
        "monitoring",
        "gpu",
        module="worker.training.job",
        validates_first=True,
        resumes_from_workdir=True,
        can_pause=True,
        can_keep=True,
        opens=("job", "job_id"),
        made=("models", "model_id"),
        bill="core.services.training.cost.local",
        shown_as_result=True,
        noticed=True,
    ),
    TaskKind(
        "hosted_training",
        "Hosted training",
        "cloud",
        "io",
        validates_first=True,
        resumes_from_workdir=True,
        can_pause=True,
        runs_elsewhere=True,
        opens=("job", "job_id"),
        made=("models", "model_id"),
        bill="core.services.training.hosted.bill",
        shown_as_result=True,
        noticed=True,
    ),
    TaskKind(
        "merge",
        "Merge into the base",
        "call_merge",
        "gpu",
        module="worker.training.merge",
        reads=("model_id",),
        made=("models", "model_id"),
        noticed=True,
    ),
    TaskKind(
        "evaluation",
        "Evaluation",
        "balance",
        "gpu",
        can_pause=True,
        resumes_from_workdir=True,
        reads=("dataset_id", "dataset_version_id", "model_ids"),
        opens=("evaluate", "evaluation_id"),
        made=("evaluate", "evaluation_id"),
        bill="core.services.serving.evaluating.costs",
        noticed=True,
    ),
    TaskKind("publish", "Publication", "rocket_launch", "io", reads=("model_id",), made=("models", "model_id")),
    TaskKind(
        "hosted_deployment",
        "Deployment at a service",
        "rocket_launch",
        "io",
        reads=("model_id",),
        made=("models", "model_id"),
        runs_elsewhere=True,
        noticed=True,
    ),
    TaskKind("shutdowns", "Dates of shutdowns", "event_busy", "io", quiet=True),
    TaskKind("notice", "Notices", "notifications", "io", quiet=True),
    TaskKind("export", "Model files", "archive", "cpu", reads=("model_id",), made=("models", "model_id")),
):
    KINDS.add(_kind)
