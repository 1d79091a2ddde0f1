"""An id that names an object of another kind, a deleted one, a pattern, or nothing: another's object read by its id."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import StudioError
from core.platform.tasks import store
from core.services.data import datasets, exports, sources
from core.services.platform import connections, drafts, tasks
from core.services.training import jobs, metrics, models, monitoring
from tests.support import tiny
from tests.support.jobs import launch, make_dataset

READERS: dict[str, Callable[[str], object]] = {
    "dataset": lambda given: datasets.get_dataset(given),
    "examples": lambda given: datasets.examples(given).items,
    "export": lambda given: b"".join(exports.export(given, "jsonl")),
    "source": lambda given: sources.get(given),
    "connection": lambda given: connections.get(given),
    "key": lambda given: connections.endpoint_of(given),
    "draft": lambda given: drafts.get(given),
    "task": lambda given: store.get(given),
    "log": lambda given: tasks.log_tail(given),
    "job": lambda given: jobs.get_job(given),
    "points": lambda given: metrics.since(given),
    "answers": lambda given: monitoring.sample_answers(given),
    "model": lambda given: models.get_model(given),
    "losses": lambda given: monitoring.example_losses(given),
}
NONSENSE = [
    "", "%", "*", "_", "' OR 1=1 --", "../../etc/passwd", "ds_", "null", "None", "0", "a\0b", "\ud800", "x" * 10_000,
    "studio.db", "..", "/", "ds_%", "task_*", "${id}",
]  # fmt: skip


@pytest.fixture
def ids(studio_env: Path) -> dict[str, str]:
    """One object of every kind that can be made without training."""
    from tests.support.random_model import make_model

    base = f"local:{make_model(studio_env / 'base_models' / 'random')}"
    dataset = make_dataset()
    job = launch(dataset, base, name="Mine")
    saved = connections.save(name="mine", kind="openai", key="sk-secret-0123456789abcdef")
    return {
        "dataset": dataset.id,
        "examples": dataset.version.id,
        "connection": saved.id,
        "job": job.id,
        "task": job.task_id,
    }


@pytest.mark.parametrize("kind", READERS)
def test_an_id_of_another_kind_finds_nothing(kind: str, ids: dict[str, str]) -> None:
    others = [value for name, value in ids.items() if name != kind and {name, kind} not in SAME]
    for given in [
        *NONSENSE,
        *others,
        *(value[:-1] for value in ids.values()),
        *(value.upper() for value in ids.values()),
    ]:
        try:
            found = READERS[kind](given)
        except StudioError as error:
            refusal = error.message
        else:
            refusal = ""
            assert not found, (kind, given, found)
        assert "sk-secret" not in refusal


# A version is found by its own id alone; a log belongs to its task, and what a job measured to its job.
SAME = ({"examples", "export"}, {"connection", "key"}, {"task", "log"}, {"job", "points"}, {"job", "answers"})


def test_a_deleted_object_is_gone_for_every_reader(studio_env: Path) -> None:
    made = datasets.create_dataset("Mine", tiny.examples(0))
    saved = connections.save(name="mine", kind="openai", key="sk-secret-0123456789abcdef")
    datasets.delete(made.id, made.name)
    connections.delete(saved.id)
    for reader, given in (
        ("dataset", made.id),
        ("examples", made.version.id),
        ("export", made.version.id),
        ("key", saved.id),
    ):
        with pytest.raises(StudioError):
            READERS[reader](given)
