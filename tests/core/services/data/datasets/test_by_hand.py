"""Examples written by hand: kept, changed, thrown away, gathered once."""

from __future__ import annotations

import threading

import pytest

from core.errors import Conflict, DataError, NotFound
from core.services.data import datasets
from core.services.data.datasets import edits as dataset_edits
from tests.support.versions import pair
from worker.run import execute

pytestmark = pytest.mark.usefixtures("studio_env")

ASK = [{"role": "user", "content": "May I?"}, {"role": "assistant", "content": "You may."}]


@pytest.fixture
def dataset() -> datasets.DatasetRecord:
    return datasets.create_dataset("Pairs", [pair(f"Q{n}", "A", n + 1) for n in range(12)])


@pytest.mark.usefixtures("database")
def test_written_changed_deleted_and_gathered(dataset: datasets.DatasetRecord) -> None:
    first, second, third = (
        datasets.write_example(dataset.id, [{"role": "user", "content": f"Mine {n}?"}, ASK[1]]) for n in range(3)
    )
    assert datasets.get_dataset(dataset.id).version == dataset.version, "nothing is a version before it is gathered"
    datasets.rewrite_example(second.id, ASK)
    datasets.remove_written(third.id)
    assert [item.messages[0]["content"] for item in datasets.written(dataset.id)] == ["Mine 0?", "May I?"]
    version = datasets.gather(dataset.id, why="Missing cases.").version
    assert version is not None
    assert [example.messages[0].content for example in datasets.iter_examples(version.id)][-2:] == ["Mine 0?", "May I?"]
    assert version.manifest.change.what == "Added 2 examples."
    assert datasets.written(dataset.id) == []
    with pytest.raises(Conflict, match="no pending example"):
        datasets.gather(dataset.id)
    for action in (lambda: datasets.rewrite_example(first.id, ASK), lambda: datasets.remove_written(first.id)):
        with pytest.raises(NotFound):
            action()


@pytest.mark.usefixtures("database")
def test_tools_and_a_rejected_answer_are_part_of_it(dataset: datasets.DatasetRecord) -> None:
    tools = [{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}]
    worse = [{"role": "assistant", "content": "No."}]
    first = datasets.write_example(dataset.id, ASK, tools=tools, rejected=worse)
    second = datasets.write_example(dataset.id, [{"role": "user", "content": "And I?"}, ASK[1]], rejected=worse)
    datasets.rewrite_example(second.id, [{"role": "user", "content": "And I?"}, ASK[1]])
    assert [len(item.rejected) for item in datasets.written(dataset.id)] == [1, 0], "what is not given is removed"
    version = datasets.gather(dataset.id).version
    assert version is not None
    *_, mine, _ = datasets.iter_examples(version.id)
    assert [tool["function"]["name"] for tool in mine.tools] == ["look_up"]
    assert [message.content for message in mine.rejected] == ["No."]
    assert first.tools[0]["function"]["name"] == "look_up"
    with pytest.raises(DataError) as caught:
        datasets.write_example(dataset.id, ASK, rejected=[{"role": "user", "content": "No."}])
    assert caught.value.field == "rejected[0].role"


@pytest.mark.parametrize(
    ("messages", "field"),
    [
        ([], None),
        (ASK[:1], "messages"),
        ([{"role": "user", "content": " "}, ASK[1]], "messages[0].content"),
        ([{"role": "boss", "content": "Do"}, ASK[1]], "messages[0].role"),
        ([{"role": "user", "content": None}, ASK[1]], "messages[0].content"),
    ],
)
def test_what_cannot_be_trained_on_is_refused_beside_its_field(dataset, messages, field) -> None:
    with pytest.raises(DataError) as caught:
        datasets.write_example(dataset.id, messages)
    assert caught.value.field == field
    assert datasets.written(dataset.id) == []


@pytest.mark.usefixtures("database")
def test_nothing_is_gathered_twice_by_two_windows(dataset: datasets.DatasetRecord) -> None:
    datasets.write_example(dataset.id, ASK)
    datasets.write_example(dataset.id, [{"role": "user", "content": "And I?"}, ASK[1]])
    together, heard = threading.Barrier(2), []

    def window() -> None:
        together.wait()
        try:
            datasets.gather(dataset.id, base_version_id=dataset.version.id)
        except Conflict as error:
            heard.append(error)

    windows = [threading.Thread(target=window) for _ in range(2)]
    for thread in windows:
        thread.start()
    for thread in windows:
        thread.join()
    assert len(heard) == 1
    assert len(datasets.versions(dataset.id)) == 2
    assert len(list(datasets.iter_examples(f"{dataset.id}-v2"))) == 14


def test_a_large_dataset_gathers_in_the_background(dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset_edits, "EDITED_AT_ONCE", 5)
    datasets.write_example(dataset.id, ASK)
    task = datasets.gather(dataset.id).task
    assert task is not None
    assert len(datasets.written(dataset.id)) == 1, "it waits until the version is there"
    ended = execute(task.id, "test")
    assert ended is not None
    assert ended.state == "succeeded"
    assert datasets.written(dataset.id) == []


@pytest.mark.usefixtures("database")
def test_an_example_deleted_in_the_meantime_is_not_published(dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset_edits, "EDITED_AT_ONCE", 5)
    example = datasets.write_example(dataset.id, ASK)
    task = datasets.gather(dataset.id).task
    assert task is not None
    datasets.remove_written(example.id)
    ended = execute(task.id, "test")
    assert ended is not None
    assert ended.state == "failed"
    assert len(datasets.versions(dataset.id)) == 1


def test_a_dataset_started_by_hand() -> None:
    begun = datasets.begin_by_hand("By hand", ASK)
    assert (begun.version.examples, begun.state, begun.origin) == (1, "failed", "manual")
    assert dataset_edits.history(begun.id)[0].what == "Started by hand."
    with pytest.raises(DataError):
        datasets.begin_by_hand("Empty", ASK[:1])


def test_a_deleted_dataset_accepts_no_examples(dataset: datasets.DatasetRecord) -> None:
    example = datasets.write_example(dataset.id, ASK)
    datasets.delete(dataset.id, "Pairs")
    with pytest.raises(NotFound):
        datasets.write_example(dataset.id, ASK)
    with pytest.raises(NotFound):
        datasets.rewrite_example(example.id, ASK)
