"""From an upload to a dataset: previewed, started once, and done once even if it is killed."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from core.data.versions.manifest import Counts, RowCounts
from core.errors import Conflict, DataError
from core.platform.storage import get_storage
from core.platform.tasks import recovery
from core.platform.tasks.context import TaskContext
from core.services.data import conversion, datasets, sources
from core.services.platform import drafts, tasks
from worker.run import execute

pytestmark = pytest.mark.usefixtures("studio_env")

TABLE = "name,what,color\n" + "".join(f"Tool {n},It is tool number {n}.,{'red' if n % 2 else ''}\n" for n in range(60))
QA: dict[str, Any] = {"template": "qa", "mapping": {"key": "name", "target": "what"}}


def upload(content: str | bytes = TABLE, name: str = "tools.csv") -> str:
    data = content.encode("utf-8") if isinstance(content, str) else content
    return sources.ingest(io.BytesIO(data), name).id


def draft(**state: Any) -> str:
    return drafts.create("convert", {"source_id": upload(), "name": "Tools", **QA, **state}).id


def convert(**state: Any) -> datasets.DatasetRecord:
    task = execute(conversion.start(draft(**state)).id, "test")
    assert task is not None
    assert task.state == "succeeded", task.error
    return datasets.get_dataset(task.result["dataset_id"])


# ---- preview


def test_preview_shows_the_first_and_estimates_all() -> None:
    source = upload()
    found = conversion.preview(source, **QA, limit=3)
    assert [item.example.messages[0].content for item in found.examples] == ["Tool 0", "Tool 1", "Tool 2"]
    assert (found.estimated_total, found.of_rows, found.rejects) == (60, 60, [])
    several = conversion.preview(
        source,
        "qa",
        {"key": "name", "target": "what", "include": ["color"]},
        {"questions": "per_column", "empty": "fill"},
    )
    assert several.estimated_total == 120
    skipping = conversion.preview(source, "extraction", {"key": "name", "include": ["color"]})
    assert skipping.estimated_total == 30
    assert [item.line for item in skipping.rejects[:2]] == [2, 4]


@pytest.mark.parametrize(
    ("choices", "word"),
    [
        ({"template": None}, "No template"),
        ({"template": "qa", "mapping": {"key": "ghost", "target": "what"}}, "ghost"),
        ({**QA, "options": {"question": "{{ghost}}"}}, "ghost"),
        ({**QA, "options": {"ghost": 1}}, "ghost"),
    ],
)
def test_choices_that_do_not_fit_are_refused_everywhere(choices: dict[str, Any], word: str) -> None:
    with pytest.raises(DataError, match=word):
        conversion.preview(upload(), **choices)
    with pytest.raises(DataError, match=word):
        conversion.start(draft(**choices))
    assert tasks.list_tasks() == []


# ---- upload to dataset


def test_a_table_becomes_a_dataset() -> None:
    dataset = convert(description="d", options={"system": "You know tools.", "question": "What is {{key}}?"})
    assert (dataset.name, dataset.description, dataset.state, dataset.origin) == ("Tools", "d", "validated", "convert")
    version = dataset.version
    assert (version.examples, version.train_examples, version.validation_examples) == (60, 60, 0)
    first = next(datasets.iter_examples(version.id))
    assert [(message.role, message.content) for message in first.messages] == [
        ("system", "You know tools."),
        ("user", "What is Tool 0?"),
        ("assistant", "It is tool number 0."),
    ]
    assert first.source_line == 2
    manifest = version.manifest
    assert manifest.counts == Counts(60, train=60, validation=0, rejects=0, read=60, accepted=60, rejected=0)
    assert manifest.source.filename == "tools.csv"
    assert manifest.recipe["mapping"]["key"] == "name"
    assert set(manifest.files) == {"examples.parquet", "findings.parquet", "rejects.jsonl"}
    assert list(datasets.rejects(version.id)) == []


def test_every_row_that_is_left_out_is_listed_verbatim() -> None:
    source = upload(TABLE + "ragged,row\n" + 'bad,"x",y,z\n')
    state = {"source_id": source, "template": "extraction", "mapping": {"key": "name", "include": ["color"]}}
    dataset = convert(**state)
    counts = dataset.version.manifest.counts
    assert (counts.read, counts.accepted, counts.rejected, counts.rejects) == (62, 30, 32, 32)
    text = b"".join(datasets.rejects(dataset.version.id)).decode()
    assert '"raw": "ragged,row"' in text
    assert r'"raw": "bad,\"x\",y,z"' in text
    assert datasets.finding_counts(dataset.version.id) == {"few_examples": 1, "columns_unused": 1}
    left_out = datasets.findings(dataset.version.id, severity=datasets.LEFT_OUT)
    assert Counter(item.code for item in left_out) == {"cell_empty": 30, "csv_ragged": 2}


def test_a_draft_starts_once() -> None:
    draft_id = draft()
    first, second = conversion.start(draft_id), conversion.start(draft_id)
    assert first.id == second.id
    execute(first.id, "test")
    assert conversion.start(draft_id).id == first.id
    assert len(datasets.list_datasets()) == 1


def test_a_failed_conversion_can_be_changed_and_started_again() -> None:
    draft_id = draft(template="extraction", mapping={"key": "name", "include": ["color"]}, options={"empty": "fail"})
    first = conversion.start(draft_id)
    assert conversion.start(draft_id).id == first.id
    execute(first.id, "test")
    drafts.update(draft_id, state={"options": {"empty": "skip"}})
    second = conversion.start(draft_id)
    assert second.id != first.id
    assert conversion.start(draft_id).id == second.id
    ended = execute(second.id, "test")
    assert ended is not None
    assert ended.state == "succeeded"
    assert drafts.get(draft_id).result_id == second.id


def test_names_are_unique_and_asked_for() -> None:
    convert()
    with pytest.raises(Conflict, match="already exists"):
        conversion.start(draft())
    with pytest.raises(DataError, match="name"):
        conversion.start(draft(name="  "))


def test_a_name_taken_meanwhile_gets_a_number() -> None:
    first, second = conversion.start(draft()), conversion.start(draft())
    execute(first.id, "test")
    execute(second.id, "test")
    assert {dataset.name for dataset in datasets.list_datasets()} == {"Tools", "Tools (2)"}


def test_a_file_without_a_single_example_fails_clearly() -> None:
    source = upload("name,what\n" + "x,\n" * 20)
    task = execute(conversion.start(draft(source_id=source)).id, "test")
    assert task is not None
    assert task.state == "failed"
    assert "20 left out" in task.error["message"]
    assert datasets.list_datasets() == []
    assert get_storage().list("datasets") == []


def test_fail_at_the_first_empty_cell_names_the_line() -> None:
    state = {"template": "extraction", "mapping": {"key": "name", "include": ["color"]}, "options": {"empty": "fail"}}
    task = execute(conversion.start(draft(**state)).id, "test")
    assert task is not None
    assert task.state == "failed"
    assert task.error["message"].startswith("Line 2: `color` is empty")


def test_few_examples_make_a_failed_dataset() -> None:
    dataset = convert(source_id=upload("name,what\n" + "x,y\n" * 9))
    assert dataset.state == "failed"
    codes = [item.code for item in datasets.findings(dataset.version.id)]
    assert codes == ["too_few_examples", "duplicate_examples"]


@pytest.mark.usefixtures("database")
def test_upload_to_dataset_on_both_databases() -> None:
    draft_id = draft()
    task = execute(conversion.start(draft_id).id, "test")
    assert task is not None
    assert conversion.start(draft_id).id == task.id
    dataset = datasets.get_dataset("Tools")
    assert execute(datasets.validate("Tools").id, "test") is not None
    datasets.delete(dataset.id, "Tools")
    assert datasets.list_datasets() == []
    assert drafts.list_open() == []


# ---- split


def test_nothing_is_held_out_of_a_small_set_unless_asked() -> None:
    assert convert(hold_out=0.2).version.validation_examples == 12


def test_a_large_set_is_split_by_seed_and_the_same_each_time() -> None:
    table = "name,what\n" + "".join(f"Thing {n},What {n}\n" for n in range(300))
    first = convert(source_id=upload(table))
    second = convert(source_id=upload(table), name="Again")
    assert (first.version.train_examples, first.version.validation_examples) == (270, 30)
    assert first.version.sha256 == second.version.sha256
    held_out = [item.source_line for item in datasets.iter_examples(first.version.id, "validation")]
    assert held_out == [item.source_line for item in datasets.iter_examples(second.version.id, "validation")]
    assert len(held_out) == 30


def test_equal_examples_stay_on_one_side() -> None:
    table = "name,what\n" + "".join(f"Thing {n % 50},What\n" for n in range(400))
    version = convert(source_id=upload(table)).version
    sides = [
        {item.messages[0].content for item in datasets.iter_examples(version.id, split)}
        for split in ("train", "validation")
    ]
    assert sides[1]
    assert not sides[0] & sides[1]


def test_a_validation_file_of_its_own() -> None:
    other = upload("name,what\n" + "".join(f"Other {n},What {n}\n" for n in range(7)) + "bad,\n", "validation.csv")
    version = convert(validation_source_id=other).version
    assert (version.train_examples, version.validation_examples) == (60, 7)
    assert version.manifest.validation_source.filename == "validation.csv"
    assert version.manifest.validation_source.counts == RowCounts(read=8, accepted=7, rejected=1)


# ---- known shapes


def test_a_known_shape_is_imported_without_the_wizard(real_data: Path) -> None:
    content = (real_data / "chat" / "sharegpt_dummy_conversation.json").read_bytes()
    task = datasets.create_from_source(upload(content, "chats.json"), "Chats", "multi-turn")
    ended = execute(task.id, "test")
    assert ended is not None
    assert ended.state == "succeeded", ended.error
    dataset = datasets.get_dataset("Chats")
    assert (dataset.version.examples, dataset.state, dataset.version.format) == (500, "validated", "json")
    assert datasets.statistics(dataset.version.id).multi_turn > 100


def test_a_table_without_a_known_shape_is_sent_to_the_wizard() -> None:
    with pytest.raises(DataError) as caught:
        datasets.create_from_source(upload(), "Tools")
    assert caught.value.code == "shape_unknown"
    assert "Convert" in caught.value.remedy


def test_unused_columns_of_a_known_shape_are_reported() -> None:
    content = "id,question,answer,price\n" + "".join(f"{n},q {n},a {n},1\n" for n in range(60))
    task = datasets.create_from_source(upload(content), "Pairs")
    execute(task.id, "test")
    found = datasets.findings(datasets.get_dataset("Pairs").version.id)
    assert [(item.code, item.severity) for item in found] == [("columns_unused", "info")]
    assert "`id` (60 of 60 rows), `price` (60 of 60 rows)" in found[0].message


def test_banking77_by_classification(real_data: Path) -> None:
    source = upload((real_data / "tables" / "banking77_train.csv").read_bytes(), "banking77.csv")
    suggested = sources.analyze(source).suggestion
    assert suggested is not None
    dataset = convert(source_id=source, template=suggested.template, mapping=suggested.mapping.to_dict())
    counts = dataset.version.manifest.counts
    assert counts.read == 10_003
    assert counts.read == counts.accepted + counts.rejected
    assert counts.examples == counts.accepted == 10_003
    assert counts.validation == 1_000
    statistics = datasets.statistics(dataset.version.id)
    assert statistics.distinct_labels == 77
    assert dataset.state == "validated"


# ---- crash safety


WORKER = """
import sys
from worker import run
from core.platform.tasks.context import TaskContext
progress = TaskContext.progress
def slow(self, percent, phase, message=""):
    progress(self, percent, phase, message)
    if percent > 50: print("half", flush=True); import time; time.sleep(60)
TaskContext.progress = slow
run.execute(sys.argv[1], "doomed")
"""


@pytest.mark.parametrize("moment", ["reading", "published files"])
def test_after_a_kill_and_a_restart_there_is_exactly_one_dataset(moment: str) -> None:
    task = conversion.start(draft())
    code = WORKER if moment == "reading" else WORKER.replace("percent > 50", "percent > 98")
    with subprocess.Popen([sys.executable, "-c", code, task.id], stdout=subprocess.PIPE, env=os.environ) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"half\n"
        worker.send_signal(signal.SIGKILL)
    assert datasets.list_datasets() == []
    assert bool(get_storage().list("datasets")) == (moment == "published files")
    recovery.after_death(task.id, "doomed", "killed")
    ended = execute(task.id, "second")
    assert ended is not None
    assert ended.state == "succeeded"
    assert execute(task.id, "third") is None
    assert len(datasets.list_datasets()) == 1
    version = datasets.list_datasets()[0].version
    assert {key.rsplit("/", 1)[0] for key in get_storage().list("datasets")} == {version.path}
    assert datasets.examples(version.id, limit=1).total == 60


def test_a_cancel_in_the_middle_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    task = conversion.start(draft())
    progress = TaskContext.progress

    def cancelling(self: Any, percent: float, phase: str, message: str = "") -> None:
        progress(self, percent, phase, message)
        if phase == "Publishing":  # the files are already stored
            tasks.request(task.id, "cancel")

    monkeypatch.setattr(TaskContext, "progress", cancelling)
    ended = execute(task.id, "test")
    assert ended is not None
    assert ended.state == "cancelled"
    assert datasets.list_datasets() == []
    assert len(datasets.sweep()) == 1
    assert get_storage().list("datasets") == []


def test_progress_is_reported() -> None:
    task = conversion.start(draft())
    started = time.time()
    ended = execute(task.id, "test")
    assert ended is not None
    assert ended.progress == 100
    assert ended.started_at is not None
    assert ended.started_at >= started - 1


def _late(name: str, values: list[object]) -> str:
    """A chat file of 2,100 rows, the last 50 of which have one more field."""
    rows = []
    for number in range(2_100):
        turns = [{"role": "user", "content": f"Ask {number}"}, {"role": "assistant", "content": f"Say {number}"}]
        rows.append(json.dumps({"messages": turns, **({name: values[number % 2]} if number >= 2_050 else {})}))
    return sources.ingest(io.BytesIO("\n".join(rows).encode()), "late.jsonl").id


def test_a_late_field_that_changes_the_meaning_stops_the_import_until_the_user_decides() -> None:
    source = _late("rating", [1, 5])
    failed = execute(datasets.create_from_source(source, "Late").id, "test")
    assert failed is not None
    assert failed.state == "failed"
    assert "line 2,051" in failed.error["message"]
    assert "--without rating" in failed.error["remedy"]
    assert conversion.late_fields(source) == ("rating",)
    with pytest.raises(DataError, match="rating"):  # known now, so it is refused before the work
        datasets.create_from_source(source, "Late")
    made = execute(datasets.create_from_source(source, "Late", without=["rating"]).id, "test")
    assert made is not None
    assert made.state == "succeeded"


def test_a_late_field_that_changes_nothing_is_a_finding() -> None:
    made = execute(datasets.create_from_source(_late("ticket_number", ["A-1", "A-2"]), "Late").id, "test")
    assert made is not None
    dataset = datasets.get_dataset(made.result["dataset_id"])
    found = [item for item in datasets.findings(dataset.version.id) if item.code == "columns_unused"]
    assert [("ticket_number" in item.message, "line 2,051" in item.message) for item in found] == [(True, True)]
