"""Edits and mixes whose worker is killed again and again: exactly one version, one dataset, no files left."""

from __future__ import annotations

import os
import signal

import pytest

from core.data.editing import Redact, SetSystem
from core.platform.storage import get_storage
from core.platform.tasks import store
from core.services.data import datasets
from core.services.data.datasets import edits as dataset_edits, publishing as dataset_publishing
from core.services.platform import tasks
from tests.support.servers import wait_until
from tests.support.studio import LIMIT_S, Studio, horse_of, wait_state
from tests.support.versions import pair

EXAMPLES = 6_000


def large(name: str) -> datasets.DatasetRecord:
    return datasets.create_dataset(
        name, [pair(f"Write to ann{n}@example.org?", f"Answer {n}", n + 1) for n in range(EXAMPLES)]
    )


def kill_while(task_id: str, *phases: str) -> None:
    """Kill the work process as soon as the task is in one of these phases."""
    wait_until(
        lambda: (
            store.get(task_id).is_terminal
            or (store.get(task_id).lease_owner is not None and store.get(task_id).phase in phases)
        ),
        LIMIT_S,
        f"{phases} of {store.get(task_id)}",
    )
    assert not store.get(task_id).is_terminal, "the work was over before it could be killed"
    os.kill(horse_of(task_id), signal.SIGKILL)


def killed(task_id: str) -> int:
    return sum(event.data.get("cause") == "killed" for event in tasks.events(task_id))


def test_an_edit_that_is_killed_twice_makes_one_version(studio: Studio, studio_env) -> None:
    dataset = large("Large")
    applied = dataset_edits.apply(dataset.id, Redact(), base_version_id=dataset.version.id)
    assert applied.task is not None, "a set of this size is edited in the background"
    studio.worker()
    kill_while(applied.task.id, "Reading the examples", "Writing")
    wait_until(lambda: killed(applied.task.id) == 1, LIMIT_S, "the crash to be noticed")
    kill_while(applied.task.id, "Writing")
    ended = wait_state(applied.task.id, "succeeded")
    assert killed(applied.task.id) == 2
    assert ended.result["version_id"] == f"{dataset.id}-v2"
    assert [version.number for version in datasets.versions(dataset.id)] == [2, 1]
    found = [example.messages[0].content for example in datasets.iter_examples(f"{dataset.id}-v2")]
    assert len(found) == EXAMPLES
    assert not any("@" in text for text in found)
    dataset_publishing.sweep_attempts()
    assert len(get_storage().folders(f"datasets/{dataset.id}")) == 2


def test_a_mix_that_is_killed_makes_one_dataset(studio: Studio, studio_env) -> None:
    dataset = large("Large")
    task = dataset_edits.mix("Mix", [(dataset.version.id, 2)])
    studio.worker()
    kill_while(task.id, "Mixing")
    ended = wait_state(task.id, "succeeded")
    assert killed(task.id) == 1
    assert {item.name for item in datasets.list_datasets()} == {"Large", "Mix"}
    mixed = datasets.get_dataset(ended.result["dataset_id"])
    assert mixed.version.examples == 2 * EXAMPLES
    assert sorted(get_storage().folders("datasets")) == sorted([dataset.id, mixed.id])


@pytest.mark.parametrize("how", ["delete", "newer"])
def test_what_happens_to_the_dataset_meanwhile_wins(studio: Studio, studio_env, how: str) -> None:
    dataset = large("Large")
    applied = dataset_edits.apply(dataset.id, Redact(), base_version_id=dataset.version.id)
    assert applied.task is not None
    if how == "newer":
        dataset_edits.apply(dataset.id, SetSystem(text="x"), base_version_id=dataset.version.id, inline=True)
    else:
        tasks.request(applied.task.id, "cancel")
        datasets.delete(dataset.id, "Large")
        tasks.request(applied.task.id, "retry")
    studio.worker()
    ended = wait_state(applied.task.id, "failed")
    assert ("deleted" if how == "delete" else "has changed in the meantime") in ended.error["message"]
    assert len(datasets.versions(dataset.id)) == (1 if how == "delete" else 2)
