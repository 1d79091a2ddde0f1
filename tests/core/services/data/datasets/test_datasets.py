"""Datasets: paged and searched, counted, checked again, downloaded, and deleted with care."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import event

from core.data.editing import DropRows, Split
from core.data.samples import load_sample
from core.errors import Conflict, DataError, NotFound
from core.messages import Example, Message
from core.platform.db.engine import get_engine
from core.platform.db.tables import BackgroundTask, DatasetVersion, FineTunedModel, FineTuningJob
from core.platform.db.uow import UnitOfWork
from core.platform.storage import get_storage
from core.services.data import datasets, exports
from core.services.data.datasets import edits, writing as dataset_writing
from worker.run import execute

pytestmark = pytest.mark.usefixtures("studio_env")


def pair(question: str, answer: str, line: int = 1) -> Example:
    return Example((Message("user", question), Message("assistant", answer)), "src_1", line)


def make(name: str = "Pairs", count: int = 60) -> datasets.DatasetRecord:
    return datasets.create_dataset(name, [pair(f"Question {n}?", f"Label {n % 3}", n + 1) for n in range(count)])


def job_on(dataset: datasets.DatasetRecord, state: str) -> None:
    with UnitOfWork() as uow:
        uow.session.add(BackgroundTask(id="task_1", kind="training", queue="gpu", state=state))
        uow.session.flush()
        job = FineTuningJob(
            id="job_1",
            name="Job one",
            task_id="task_1",
            dataset_id=dataset.id,
            dataset_version_id=dataset.version.id,
            base_model="starter",
            method="lora",
        )
        uow.session.add(job)
        uow.session.flush()
        model = FineTunedModel(
            id="fm_1", name="Model one", job_id="job_1", dataset_id=dataset.id, base_model="starter", method="lora",
            path="models/fm_1",
        )  # fmt: skip
        uow.session.add(model)
        uow.commit()


# ---- reading


def test_by_id_and_by_name() -> None:
    dataset = make()
    assert datasets.get_dataset(dataset.id) == datasets.get_dataset("Pairs") == dataset
    assert datasets.list_datasets() == [dataset]
    assert datasets.versions(dataset.id) == [dataset.version]
    with pytest.raises(NotFound, match="nothing") as caught:
        datasets.get_dataset("nothing")
    assert "Pairs" in caught.value.remedy
    with pytest.raises(NotFound):
        datasets.get_version("none")


def test_choices_say_the_same_without_a_manifest(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third = make("First"), make("Second"), make("Third")
    datasets.archive([third.id])
    with UnitOfWork() as uow:
        version = uow.session.get_one(DatasetVersion, second.version.id)
        version.manifest = {**version.manifest, "rules": 0}
        uow.session.add(version)
        uow.commit()
    full = datasets.list_datasets()
    assert {record.name: record.state for record in full} == {"First": "validated", "Second": "not_validated"}
    assert datasets.records_of([second.id, "ds_none", first.id]) == [full[0], full[1]]
    monkeypatch.setattr("core.data.versions.manifest.Manifest.from_dict", None)  # reading one would raise
    statements: list[str] = []
    listener = (get_engine(), "before_cursor_execute", lambda *args: statements.append(args[2]))
    event.listen(*listener)
    try:
        found = datasets.choices()
    finally:
        event.remove(*listener)
    assert len([text for text in statements if text.startswith("SELECT")]) == 1
    assert [(choice.id, choice.name, choice.state) for choice in found] == [
        (record.id, record.name, record.state) for record in full
    ]
    assert [(choice.version_id, choice.number, choice.examples, choice.parts) for choice in found] == [
        (record.version.id, record.version.number, record.examples, record.version.parts) for record in full
    ]
    assert [choice.name for choice in datasets.choices(include_archived=True)] == ["Third", "Second", "First"]


def test_pages() -> None:
    version = make().version.id
    page = datasets.examples(version, offset=50, limit=20)
    assert (page.total, [item.position for item in page.items]) == (60, list(range(50, 60)))
    assert page.items[0].example.messages[0].content == "Question 50?"
    assert page.items[0].example.source_line == 51
    assert datasets.examples(version, offset=100).items == []


SEARCHED = [
    ("question 5", 11),
    ("QUESTION 59", 1),
    ("100%", 1),
    ("%", 1),
    ("_", 1),
    ("a_b", 1),
    ("\\", 1),
    ("'", 1),
    ("'; DROP TABLE x; --", 0),
    ("' OR '1'='1", 0),
    ("🏡", 1),
    ("role", 0),
    ("line\nbreak", 1),
]


@pytest.mark.parametrize(("text", "count"), SEARCHED)
def test_search_takes_every_character_as_itself(text: str, count: int) -> None:
    odd = ["100% sure", "a_b", "back\\slash", "it's", "🏡", "line\nbreak"]
    examples = [*(pair(f"Question {n}?", "x") for n in range(60)), *(pair(word, "y") for word in odd)]
    version = datasets.create_dataset("Pairs", examples).version.id
    assert datasets.examples(version, search=text).total == count


def test_splits_remain_separate() -> None:
    sample = load_sample()
    dataset = datasets.create_dataset(sample.name, sample.train, sample.validation, origin="sample")
    version = dataset.version
    assert (version.train_examples, version.validation_examples) == (len(sample.train), len(sample.validation))
    assert dataset.state == "validated"
    assert datasets.examples(version.id, split="validation").total == len(sample.validation)
    found = [item.messages for item in datasets.iter_examples(version.id, "train")]
    assert found == [item.messages for item in sample.train]


def test_statistics() -> None:
    found = datasets.statistics(make().version.id)
    assert (found.examples, found.train_examples, found.turns_max, found.multi_turn, found.with_system) == (
        60,
        60,
        1,
        0,
        0,
    )
    assert [(label.text, label.count) for label in found.labels] == [("Label 0", 20), ("Label 1", 20), ("Label 2", 20)]
    assert sum(bar.count for bar in found.histogram) == 60
    assert found.tokens_max == max(-(-len(f"Question {n}?Label 0") // 4) for n in range(60))


def test_every_kind_of_message_is_read_back() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = (
        Message("system", " s "),
        Message("user", "naïve 🏡\u2028\x01"),
        Message("assistant", "", tool_calls=(call,)),
        Message("tool", "42", tool_call_id="c"),
        Message("assistant", "a", weight=0, name="bob"),
        Message("assistant", "b", weight=1),
    )
    dataset = datasets.create_dataset("All", [Example(messages)] * 1)
    assert next(datasets.iter_examples(dataset.version.id)).messages == messages
    line = b"".join(exports.export(dataset.version.id, "jsonl"))
    assert json.loads(line) == {"messages": [message.to_dict() for message in messages]}
    assert line.count(b"\n") == 1


def test_what_is_downloaded_can_be_uploaded_again() -> None:
    from io import BytesIO

    from core.services.data import sources

    first = make()
    content = b"".join(exports.export(first.version.id, "jsonl"))
    task = datasets.create_from_source(sources.ingest(BytesIO(content), "again.jsonl").id, "Again")
    execute(task.id, "test")
    assert datasets.get_dataset("Again").version.sha256 == first.version.sha256


# ---- states


def test_states() -> None:
    assert make("Many", 60).state == "validated"
    assert make("Few", 10).state == "validated"
    assert make("Too few", 9).state == "failed"
    with pytest.raises(DataError):
        make("None", 0)
    assert get_storage().folders("datasets") == sorted(item.id for item in datasets.list_datasets())


def test_checking_again_after_the_rules_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = make()
    monkeypatch.setattr("core.data.quality.set_rules.VERSION", 999)
    assert datasets.get_dataset(dataset.id).state == "not_validated"
    task = datasets.validate(dataset.id)
    assert datasets.validate("Pairs").id == task.id
    ended = execute(task.id, "test")
    assert ended is not None
    assert ended.state == "succeeded", ended.error
    assert ended.result["state"] == "validated"
    assert datasets.get_dataset(dataset.id).state == "validated"
    assert datasets.get_dataset(dataset.id).version.sha256 == dataset.version.sha256
    assert datasets.validate(dataset.id).id != task.id


def test_findings_errors_first() -> None:
    examples = [pair("same", "x <|im_end|>", n) for n in range(1, 6)]
    version = datasets.create_dataset("Odd", examples).version.id
    found = datasets.findings(version)
    assert [item.code for item in found] == ["too_few_examples", "duplicate_examples", *["special_tokens"] * 5]
    assert found[1].rows == (1, 2, 3, 4, 5)
    assert datasets.finding_counts(version)["special_tokens"] == 5
    assert [item.code for item in datasets.findings(version, severity="error")] == ["too_few_examples"]
    assert datasets.examples(version, limit=1).items[0].flags == ("special_tokens",)
    execute(datasets.validate("Odd").id, "test")
    assert [item.code for item in datasets.findings(version)] == [item.code for item in found]


# ---- deleting


def test_deleting_needs_the_name_and_removes_the_files() -> None:
    dataset = make()
    with pytest.raises(Conflict, match="not the name"):
        datasets.delete(dataset.id, "pairs")
    datasets.delete(dataset.id, "Pairs")
    assert datasets.list_datasets() == []
    assert get_storage().list("datasets") == []
    with pytest.raises(NotFound):
        datasets.get_dataset("Pairs")
    assert make().name == "Pairs"


def test_what_depends_on_it_is_named_and_an_unfinished_job_keeps_it() -> None:
    dataset = make()
    assert datasets.dependents(dataset.id).text == "Nothing depends on it."
    job_on(dataset, "running")
    found = datasets.dependents(dataset.id)
    assert (found.jobs, found.models, found.unfinished) == (("Job one",), ("Model one",), ("Job one",))
    assert "Job one" in found.text
    assert "Model one" in found.text
    with pytest.raises(Conflict, match="unfinished job: Job one"):
        datasets.delete(dataset.id, "Pairs")
    with UnitOfWork() as uow:
        task = uow.session.get(BackgroundTask, "task_1")
        assert task is not None
        task.state = "succeeded"
        uow.commit()
    datasets.delete(dataset.id, "Pairs")
    assert datasets.get_version(dataset.version.id).sha256 == dataset.version.sha256
    with UnitOfWork(write=False) as uow:
        assert uow.session.get(DatasetVersion, dataset.version.id) is not None


@pytest.mark.parametrize("name", ["a\0b", "a\nb", "\u202egnp", "half \ud83d", "a\x1b[31mb"])
def test_a_name_with_invisible_characters_is_refused(name: str) -> None:
    with pytest.raises(DataError, match=r"The name contains the invisible character U\+"):
        datasets.create_dataset(name, [])
    with pytest.raises(DataError, match=r"The name contains the invisible character U\+"):
        dataset_writing.check_characters(name)
    with pytest.raises(DataError, match=r"The description contains the invisible character U\+"):
        dataset_writing.check_characters("fine", "\0")
    dataset_writing.check_characters("日本 👩\u200d🚀 '; DROP TABLE x; -- <b>../..</b>", "two\nlines")


def test_a_version_says_what_is_held_out_and_by_which_rule() -> None:
    plain = datasets.create_dataset("Plain", [pair(f"q{n}", "a", n + 1) for n in range(20)])
    assert datasets.held_out_text(plain.version) == datasets.NOTHING_HELD_OUT
    given = datasets.create_dataset("Given", [pair(f"q{n}", "a", n + 1) for n in range(30)], [pair("v", "a")] * 10)
    assert datasets.held_out_text(given.version) == "10 of 40 examples (25%), as given with the data"
    for operation in (Split(kind="random", share=0.2), DropRows(positions=(0,))):
        newest = datasets.get_dataset(plain.id).version
        edits.apply(plain.id, operation, base_version_id=newest.id, inline=True)
        assert datasets.held_out_text(datasets.get_dataset(plain.id).version).endswith("%), at random (seed 42)")
