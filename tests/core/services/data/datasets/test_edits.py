"""Edits of datasets on SQLite and PostgreSQL: versions, conflicts, undo, restore, tasks, provenance, clean-up."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.data.editing import AddedExample, AddExamples, Dedupe, DropRows, EditRows, Filter, Redact, SetSystem, Split
from core.data.versions import files
from core.data.versions.manifest import Change
from core.data.versions.rows import PROVENANCE, Provenance, Rows
from core.errors import Conflict, DataError, NotFound, StudioError
from core.messages import Example, Message
from core.platform.db.tables import BackgroundTask, DatasetVersion, FineTuningDataset, FineTuningJob
from core.platform.db.uow import UnitOfWork
from core.platform.storage import get_storage
from core.platform.tasks import store
from core.services.data import datasets
from core.services.data.datasets import edits as dataset_edits, publishing as dataset_publishing
from core.services.data.datasets.records import version_file
from tests.support.versions import pair
from worker.run import execute

pytestmark = pytest.mark.usefixtures("studio_env")

CHAT = [{"role": "user", "content": "New?"}, {"role": "assistant", "content": "Yes."}]


def make(name: str = "Pairs", count: int = 30) -> datasets.DatasetRecord:
    return datasets.create_dataset(name, [pair(f"Question {n}?", f"Label {n % 3}", n + 1) for n in range(count)])


def edit(dataset_id: str, operation, **kwargs) -> datasets.VersionRecord:
    base = kwargs.pop("base_version_id", None) or datasets.get_dataset(dataset_id).version.id
    version = dataset_edits.apply(dataset_id, operation, base_version_id=base, **kwargs).version
    assert version is not None
    return version


def contents(version_id: str) -> list[tuple[str, ...]]:
    return [tuple(m.content for m in example.messages) for example in datasets.iter_examples(version_id)]


# ---- a new version


@pytest.mark.usefixtures("database")
def test_a_change_is_a_new_version_that_says_what_and_why() -> None:
    dataset = make()
    version = edit(dataset.id, DropRows(positions=(0, 4)), why="  They are wrong. ")
    assert (version.number, version.examples, version.parents) == (2, 28, (dataset.version.id,))
    assert datasets.get_dataset(dataset.id).version == version
    assert version.manifest.change == Change(
        "drop_rows", "Dropped 2 examples.", "They are wrong.", {"positions": [0, 4]}, removed=2
    )
    assert len(contents(dataset.version.id)) == 30, "the older version stays as it is"
    assert [position.position for position in Rows(version_file(version.id, files.EXAMPLES))] == list(range(28))
    newest, first = dataset_edits.history(dataset.id)
    assert (newest.current, newest.operation, newest.why, newest.removed) == (True, "drop_rows", "They are wrong.", 2)
    assert newest.text == "2 examples dropped"
    assert (first.current, first.operation, first.what) == (False, "", "Created as a sample.")


def test_count_before_apply_says_what_apply_does() -> None:
    dataset = make()
    operation = EditRows(rows={0: CHAT}, drop=(1, 2), add=({"messages": CHAT},))
    effect = dataset_edits.count(dataset.id, operation)
    version = edit(dataset.id, operation)
    change = version.manifest.change
    assert (effect.added, effect.removed, effect.changed) == (1, 2, 1)
    assert (change.added, change.removed, change.changed) == (1, 2, 1)
    assert effect.total == version.examples == 29


def test_the_result_is_checked_again() -> None:
    dataset = make(count=12)
    assert dataset.state == "validated"
    edit(dataset.id, DropRows(positions=(0, 1, 2)))
    small = datasets.get_dataset(dataset.id)
    assert small.state == "failed"
    assert "too_few_examples" in datasets.finding_counts(small.version.id)
    dataset_edits.undo(dataset.id)
    assert datasets.get_dataset(dataset.id).state == "validated"


def test_findings_and_flags_are_found_again_and_foreign_flags_stay() -> None:
    token = pair("Say <|im_end|>", "No.", 1, flags=("number_not_in_row",))
    dataset = datasets.create_dataset("Flags", [token, *(pair(f"Q{n}", "A", n + 2) for n in range(20))])
    version = edit(dataset.id, EditRows(rows={0: CHAT, 1: [{"role": "user", "content": "</s>"}, CHAT[1]]}))
    first, second = datasets.examples(version.id, limit=2).items
    assert first.flags == ("number_not_in_row",), "mended: the finding of the check is gone, the other flag is not"
    assert second.flags == ("special_tokens",)
    assert [item.line for item in datasets.findings(version.id) if item.code == "special_tokens"] == [2]
    later = edit(dataset.id, DropRows(positions=(5,)))
    assert datasets.examples(later.id, limit=2).items[0].flags == ("number_not_in_row",)


def test_the_parts_stay_as_they_are() -> None:
    examples = [pair(f"Q{n}", "A", n + 1) for n in range(250)]
    dataset = datasets.create_dataset("Held out", examples)
    assert dataset.version.validation_examples == 25
    before = {example.messages: example.split for example in datasets.iter_examples(dataset.version.id)}
    version = edit(dataset.id, DropRows(positions=(0,)))
    assert all(before[example.messages] == example.split for example in datasets.iter_examples(version.id))


def test_provenance_moves_along_with_its_example() -> None:
    dataset = make(count=12)
    wrote = {"model": "starter", "prompt_version": 2, "line": 7}
    added = [
        AddedExample(messages=({"role": "user", "content": f"New {n}?"}, CHAT[1]), provenance={**wrote, "n": n})
        for n in range(3)
    ]
    edit(dataset.id, AddExamples(examples=tuple(added)))
    edit(dataset.id, DropRows(positions=(0, 3, 13)))
    version = edit(dataset.id, SetSystem(text="Be kind."))
    known = Provenance(version_file(version.id, PROVENANCE))
    assert [known.of(position) for position in (0, 9, 10, 11)] == [{}, {}, {**wrote, "n": 0}, {**wrote, "n": 2}]
    assert contents(version.id)[10][1] == "New 0?"
    again = dataset_edits.undo(dataset.id).version
    assert again is not None
    assert Provenance(version_file(again.id, PROVENANCE)).of(10)["n"] == 0


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        (Filter(search="nowhere"), "No examples would be left"),
        (Filter(search="nowhere", keep=False), "nothing would change"),
        (Dedupe(), "nothing would change"),
        (Redact(), "nothing would change"),
        (DropRows(positions=(99,)), "Example 100 does not exist"),
        (EditRows(rows={0: CHAT[:1]}), "Example 1: There is no assistant"),
        (EditRows(rows={0: [{"role": "user", "content": "a\0"}, CHAT[1]]}), "NUL"),
        (SetSystem(text="a\0b"), "NUL"),
    ],
)
def test_an_invalid_operation_is_refused_and_leaves_nothing(operation, said: str) -> None:
    dataset = make()
    with pytest.raises(DataError, match=said):
        edit(dataset.id, operation)
    assert len(datasets.versions(dataset.id)) == 1
    assert get_storage().folders(f"datasets/{dataset.id}") == ["v1"]


# ---- two windows


@pytest.mark.usefixtures("database")
def test_an_edit_of_an_older_version_is_refused() -> None:
    dataset = make()
    edit(dataset.id, DropRows(positions=(0,)))
    for action in (
        lambda: edit(dataset.id, DropRows(positions=(1,)), base_version_id=dataset.version.id),
        lambda: edit(dataset.id, DropRows(positions=(1,)), base_version_id=dataset.version.id, inline=False),
        lambda: dataset_edits.undo(dataset.id, base_version_id=dataset.version.id),
        lambda: dataset_edits.restore(dataset.version.id, base_version_id=dataset.version.id),
    ):
        with pytest.raises(Conflict, match="has changed in the meantime: version 1"):
            action()
    assert len(datasets.versions(dataset.id)) == 2


@pytest.mark.usefixtures("database")
def test_of_two_edits_at_once_one_wins_and_the_other_hears_of_it() -> None:
    dataset = make()
    together, outcomes = threading.Barrier(2), []

    def window(position: int) -> None:
        together.wait()
        try:
            version = edit(dataset.id, DropRows(positions=(position,)), base_version_id=dataset.version.id)
            outcomes.append(version.id)
        except StudioError as error:
            outcomes.append(type(error))

    windows = [threading.Thread(target=window, args=(position,)) for position in (1, 2)]
    for thread in windows:
        thread.start()
    for thread in windows:
        thread.join()
    assert sorted(map(str, outcomes)) == sorted([f"{dataset.id}-v2", str(Conflict)])
    assert [version.number for version in datasets.versions(dataset.id)] == [2, 1]
    assert len(get_storage().folders(f"datasets/{dataset.id}")) == 2, "the files of the one that lost are gone"
    assert len(contents(f"{dataset.id}-v2")) == 29


def test_a_version_of_another_dataset_is_refused() -> None:
    one, other = make("One"), make("Other")
    with pytest.raises(Conflict, match="another dataset"):
        edit(one.id, DropRows(positions=(1,)), base_version_id=other.version.id)


# ---- back again


@pytest.mark.usefixtures("database")
def test_undo_steps_back_one_change_at_a_time() -> None:
    dataset = make()
    edit(dataset.id, DropRows(positions=(0,)))
    edit(dataset.id, SetSystem(text="Be kind."))
    first = dataset_edits.undo(dataset.id)
    assert first.version is not None
    assert first.version.manifest.change.what == (
        "Undid “Gave every example the system message “Be kind.””: back to version 2."
    )
    assert contents(first.version.id) == contents(f"{dataset.id}-v2")
    second = dataset_edits.undo(dataset.id)
    assert second.version is not None
    assert contents(second.version.id) == contents(dataset.version.id)
    assert second.version.sha256 == dataset.version.sha256
    with pytest.raises(Conflict, match="nothing to undo"):
        dataset_edits.undo(dataset.id)
    assert [change.version.number for change in dataset_edits.history(dataset.id)] == [5, 4, 3, 2, 1]


def test_a_change_after_an_undo_can_be_undone_too() -> None:
    dataset = make()
    edit(dataset.id, DropRows(positions=(0,)))
    dataset_edits.undo(dataset.id)
    edit(dataset.id, DropRows(positions=(1, 2)))
    undone = dataset_edits.undo(dataset.id).version
    assert undone is not None
    assert contents(undone.id) == contents(dataset.version.id)
    with pytest.raises(Conflict, match="nothing to undo"):
        dataset_edits.undo(dataset.id)


def test_restore_brings_an_older_version_back_and_can_be_undone() -> None:
    dataset = make()
    edit(dataset.id, DropRows(positions=(0,)))
    edit(dataset.id, DropRows(positions=(0,)))
    restored = dataset_edits.restore(dataset.version.id, why="The two were right.").version
    assert restored is not None
    assert contents(restored.id) == contents(dataset.version.id)
    newest = dataset_edits.history(dataset.id)[0]
    assert (newest.operation, newest.added, newest.why) == ("restore", 2, "The two were right.")
    assert restored.manifest.files.keys() >= {"examples.parquet", "findings.parquet"}
    assert restored.manifest.version_id == restored.id
    undone = dataset_edits.undo(dataset.id).version
    assert undone is not None
    assert undone.examples == 28
    with pytest.raises(Conflict, match="already the newest"):
        dataset_edits.restore(undone.id)


# ---- diff


def test_diff_names_added_removed_changed() -> None:
    dataset = make()
    operation = EditRows(
        rows={1: [{"role": "user", "content": "Question 1?"}, {"role": "assistant", "content": "Better"}]},
        splits={2: "validation"}, drop=(0,), add=({"messages": CHAT},),
    )  # fmt: skip
    version = edit(dataset.id, operation)
    found = dataset_edits.diff(dataset.version.id, version.id)
    assert (found.added, found.removed, found.changed, found.unchanged, found.total) == (1, 1, 2, 27, 4)
    told = {(row.kind, row.what): row for row in found.rows}
    changed = told["changed", ("messages",)]
    assert changed.before is not None
    assert changed.after is not None
    assert changed.before.example.messages[-1].content == "Label 1"
    assert changed.after.example.messages[-1].content == "Better"
    moved = told["changed", ("split",)]
    assert moved.after is not None
    assert moved.after.example.split == "validation"
    assert told["removed", ()].after is None
    assert told["added", ()].before is None
    assert dataset_edits.diff(dataset.version.id, version.id, kind="unchanged", limit=5, offset=25).total == 27
    assert len(dataset_edits.diff(dataset.version.id, version.id, kind="unchanged", limit=5, offset=25).rows) == 2
    back = dataset_edits.diff(version.id, dataset.version.id)
    assert (back.added, back.removed, back.changed) == (1, 1, 2)
    same = dataset_edits.compare(version.id, version.id)
    assert (same.added, same.removed, same.changed, same.unchanged) == (0, 0, 0, 30)
    with pytest.raises(DataError, match="Unknown kind of difference"):
        dataset_edits.diff(version.id, version.id, kind="new")


def test_a_tool_call_written_in_another_order_is_the_same_example() -> None:
    """Inside a tool call, neither the order of keys nor the spacing counts (core/data/examples/identity.py)."""

    def asking(call: dict[str, object], line: int) -> Example:
        words = (Message("user", "Weather?"), Message("assistant", "", tool_calls=(call,)))
        return Example((*words, Message("tool", "12", tool_call_id="c1"), Message("assistant", "12 °C.")), "a", line)

    one = {"id": "c1", "type": "function", "function": {"name": "get", "arguments": '{"city": "Bern", "unit": "C"}'}}
    other = {"function": {"arguments": '{"unit":"C","city":"Bern"}', "name": "get"}, "type": "function", "id": "c1"}
    before = datasets.create_dataset("One", [asking(one, 1), pair("Hello?", "Hi.", 2)]).version.id
    after = datasets.create_dataset("Other", [asking(other, 9), pair("Hello?", "Hi.", 2)]).version.id
    found = dataset_edits.diff(before, after)
    assert (found.unchanged, found.changed, found.added, found.removed) == (2, 0, 0, 0)


def test_diff_counts_copies_and_matches_examples_without_a_row_by_their_input() -> None:
    examples = [pair("Twice", "x"), pair("Twice", "x"), *(pair(f"Q{n}", f"A{n}") for n in range(12))]
    dataset = datasets.create_dataset("No rows", examples)
    version = edit(dataset.id, EditRows(
        rows={3: [{"role": "user", "content": "Q1"}, {"role": "assistant", "content": "new"}]}, drop=(0,)
    ))  # fmt: skip
    found = dataset_edits.compare(dataset.version.id, version.id)
    assert (found.added, found.removed, found.changed, found.unchanged) == (0, 1, 1, 12)


# ---- large sets, as a task


def run(applied: dataset_edits.Applied):
    assert applied.task is not None
    ended = execute(applied.task.id, "test")
    assert ended is not None
    return ended


def in_background(dataset: datasets.DatasetRecord, operation, **kwargs) -> dataset_edits.Applied:
    return dataset_edits.apply(dataset.id, operation, base_version_id=dataset.version.id, inline=False, **kwargs)


def test_a_large_set_is_edited_by_a_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset_edits, "EDITED_AT_ONCE", 20)
    dataset = make()
    applied = dataset_edits.apply(
        dataset.id, Split(kind="random", share=0.2), base_version_id=dataset.version.id, why="To test."
    )
    assert applied.version is None
    ended = run(applied)
    assert (ended.state, ended.result["version_id"]) == ("succeeded", f"{dataset.id}-v2")
    version = datasets.get_dataset(dataset.id).version
    assert (version.validation_examples, version.manifest.change.why) == (6, "To test.")


@pytest.mark.usefixtures("database")
def test_pressing_twice_makes_one_task_and_one_version() -> None:
    dataset = make()
    operation = DropRows(positions=(1,))
    first, second = in_background(dataset, operation), in_background(dataset, operation)
    assert first.task is not None
    assert second.task is not None
    assert first.task.id == second.task.id
    run(first)
    assert len(datasets.versions(dataset.id)) == 2


def test_a_long_operation_lies_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = make()
    rows = {n: [{"role": "user", "content": "x" * 10_000}, CHAT[1]] for n in range(25)}
    applied = in_background(dataset, EditRows(rows=rows))
    assert applied.task is not None
    assert "operation" not in applied.task.payload
    monkeypatch.setattr(dataset_publishing, "UNPUBLISHED_FOR_S", -1.0)
    dataset_publishing.sweep_attempts()
    assert len(get_storage().folders("edits")) == 1, "the task still needs it"
    assert run(applied).state == "succeeded"
    dataset_publishing.sweep_attempts()
    assert get_storage().folders("edits") == []


def test_a_task_whose_version_is_no_longer_the_latest_fails() -> None:
    dataset = make()
    applied = in_background(dataset, DropRows(positions=(1,)))
    edit(dataset.id, DropRows(positions=(2,)))
    ended = run(applied)
    assert ended.state == "failed"
    assert "has changed in the meantime" in ended.error["message"]
    assert len(datasets.versions(dataset.id)) == 2


@pytest.mark.usefixtures("database")
def test_a_change_made_while_the_task_runs_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = make()
    applied = in_background(dataset, DropRows(positions=(1,)))
    real = dataset_edits.stage

    def slow(*args, **kwargs):
        staged = real(*args, **kwargs)
        monkeypatch.setattr(dataset_edits, "stage", real)
        edit(dataset.id, DropRows(positions=(2, 3)))
        return staged

    monkeypatch.setattr(dataset_edits, "stage", slow)
    assert run(applied).state == "failed"
    assert datasets.get_dataset(dataset.id).version.examples == 28
    assert [version.number for version in datasets.versions(dataset.id)] == [2, 1]
    dataset_publishing.sweep_attempts()
    assert len(get_storage().folders(f"datasets/{dataset.id}")) == 2


def test_a_cancelled_edit_leaves_nothing() -> None:
    from core.services.platform import tasks

    dataset = make()
    applied = in_background(dataset, DropRows(positions=(1,)))
    assert applied.task is not None
    tasks.request(applied.task.id, "cancel")
    assert execute(applied.task.id, "test") is None
    again = in_background(dataset, DropRows(positions=(1,)))
    assert again.task is not None
    assert again.task.id != applied.task.id
    assert run(again).state == "succeeded"


# ---- deleting, and what is left over


@pytest.mark.usefixtures("database")
def test_a_dataset_is_deleted_with_all_its_versions_unless_a_task_works_on_it() -> None:
    dataset = make()
    edit(dataset.id, DropRows(positions=(1,)))
    waiting = dataset_edits.apply(
        dataset.id, DropRows(positions=(2,)), base_version_id=f"{dataset.id}-v2", inline=False
    )
    assert "Drop examples in “Pairs”" in datasets.dependents(dataset.id).text
    with pytest.raises(Conflict, match="in use by an unfinished task: Drop examples in “Pairs”"):
        datasets.delete(dataset.id, "Pairs")
    run(waiting)
    datasets.delete(dataset.id, "Pairs")
    assert dataset.id not in get_storage().folders("datasets")
    with pytest.raises(NotFound):
        contents(f"{dataset.id}-v2")
    with pytest.raises(NotFound):
        edit(dataset.id, DropRows(positions=(1,)), base_version_id=f"{dataset.id}-v3")


@pytest.mark.usefixtures("database")
def test_a_dataset_deleted_in_the_middle_of_an_edit_stays_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = make()
    real = dataset_edits.stage

    def slow(*args, **kwargs):
        staged = real(*args, **kwargs)
        datasets.delete(dataset.id, "Pairs")
        return staged

    monkeypatch.setattr(dataset_edits, "stage", slow)
    with pytest.raises(NotFound, match="deleted in the meantime"):
        edit(dataset.id, DropRows(positions=(1,)))
    assert get_storage().list("datasets") == []


@pytest.mark.usefixtures("database")
def test_only_abandoned_attempts_are_swept() -> None:
    dataset = make()
    version = edit(dataset.id, DropRows(positions=(1,)))
    waiting = in_background(replace(dataset, version=version), DropRows(positions=(1,))).task
    assert waiting is not None
    busy = waiting.id.removeprefix("task_")
    old, young = "v3-1700000000-abcd", f"v3-{dataset_publishing.new_attempt()}"
    for name in (old, young, f"v3-{busy}-1", "v3-m00000000abcde-1"):
        get_storage().write_bytes(f"datasets/{dataset.id}/{name}/examples.parquet", b"x")
    swept = dataset_publishing.sweep_attempts()
    assert sorted(swept) == sorted(f"datasets/{dataset.id}/{name}" for name in (old, "v3-m00000000abcde-1"))
    assert len(contents(version.id)) == 29
    assert store.get(waiting.id).state == "pending"


@pytest.mark.usefixtures("database")
def test_rows_of_the_database_are_complete() -> None:
    dataset = make()
    version = edit(dataset.id, DropRows(positions=(1,)))
    with UnitOfWork(write=False) as uow:
        row = uow.session.get(DatasetVersion, version.id)
        owner = uow.session.get(FineTuningDataset, dataset.id)
        assert row is not None
        assert owner is not None
        assert (row.parents, owner.current_version_id) == ([dataset.version.id], version.id)
        assert row.size_bytes == sum(item.size_bytes for item in version.manifest.files.values())


def test_a_check_of_an_older_version_does_not_speak_for_the_newest() -> None:
    dataset = make(count=12)
    task = datasets.validate(dataset.id)
    edit(dataset.id, DropRows(positions=(0, 1, 2)))
    assert datasets.get_dataset(dataset.id).state == "failed"
    execute(task.id, "test")
    assert datasets.get_dataset(dataset.id).state == "failed"


def test_a_job_keeps_the_version_it_was_frozen_with() -> None:
    dataset = make()
    with UnitOfWork() as uow:
        uow.session.add(BackgroundTask(id="task_1", kind="training", queue="gpu", state="succeeded"))
        uow.session.flush()
        uow.session.add(
            FineTuningJob(
                id="job_1", name="Job", task_id="task_1", dataset_id=dataset.id, dataset_version_id=dataset.version.id,
                base_model="starter", method="lora",
            )
        )  # fmt: skip
        uow.commit()
    before = contents(dataset.version.id)
    edit(dataset.id, SetSystem(text="Other."))
    dataset_edits.undo(dataset.id)
    edit(dataset.id, DropRows(positions=(0,)))
    dataset_publishing.sweep_attempts()
    with UnitOfWork(write=False) as uow:
        job = uow.session.get(FineTuningJob, "job_1")
        assert job is not None
        assert job.dataset_version_id == dataset.version.id
    assert contents(dataset.version.id) == before
    assert datasets.get_version(dataset.version.id) == dataset.version


def test_earlier_errors_do_not_prevent_an_edit() -> None:
    broken = Example((Message("user", "No answer"),))
    dataset = datasets.create_dataset("Broken", [broken, *(pair(f"Q{n}", "A", n + 1) for n in range(12))])
    edit(dataset.id, DropRows(positions=(5,)))
    with pytest.raises(DataError, match="Example 1 cannot be saved: There is no assistant"):
        edit(dataset.id, SetSystem(text="New."))
    edit(dataset.id, DropRows(positions=(0,)))


def test_every_naughty_string_survives_an_edit(real_data: Path) -> None:
    naughty = [text for text in json.loads((real_data / "naughty" / "blns.json").read_text("utf-8")) if text.strip()]
    naughty = [text for text in naughty if "\0" not in text]
    dataset = datasets.create_dataset("Naughty", [pair(text, text, n + 1) for n, text in enumerate(naughty)])
    rows = {0: [{"role": "user", "content": naughty[-1]}, {"role": "assistant", "content": naughty[-2]}]}
    added = [{"messages": [{"role": "user", "content": text}, CHAT[1]]} for text in naughty]
    version = edit(dataset.id, EditRows(rows=rows, add=added), why="".join(naughty)[:500].replace("\0", ""))
    found = contents(version.id)
    assert found[0] == (naughty[-1], naughty[-2])
    assert [texts[0] for texts in found[1 : len(naughty)]] == naughty[1:]
    assert [texts[0] for texts in found[len(naughty) :]] == naughty
    assert dataset_edits.diff(dataset.version.id, version.id).added == len(naughty)


def test_diff_names_a_changed_tool_and_a_changed_rejected_answer() -> None:
    def tool(name: str, *, turned: bool = False) -> dict[str, Any]:
        function = {"parameters": {}, "name": name} if turned else {"name": name, "parameters": {}}
        return {"type": "function", "function": function}

    worse = ({"role": "assistant", "content": "Worse."},)
    plain = [pair(f"Q{n}", f"A{n}", n + 1) for n in range(10)]
    dataset = datasets.create_dataset("Tools", [*(replace(one, tools=(tool("f"),)) for one in plain[:4]), *plain[4:]])
    operation = EditRows(
        tools={0: (tool("g"),), 1: (), 2: (tool("f", turned=True),)}, rejected={4: worse, 0: worse}, splits={5: "test"}
    )
    edited = dataset_edits.apply(dataset.id, operation, base_version_id=dataset.version.id).version
    assert edited is not None
    found = dataset_edits.diff(dataset.version.id, edited.id)
    changed = {row.after.position: row.what for row in found.rows if row.after}
    assert changed == {0: ("tools", "rejected"), 1: ("tools",), 4: ("rejected",), 5: ("split",)}
    assert (found.changed, found.unchanged, found.added, found.removed) == (4, 6, 0, 0)
    assert edited.parts == {"train": 9, "test": 1}
    undone = dataset_edits.undo(dataset.id).version
    assert undone is not None
    assert dataset_edits.compare(dataset.version.id, undone.id).unchanged == 10
    assert undone.sha256 == dataset.version.sha256 != edited.sha256
