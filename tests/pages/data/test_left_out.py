"""What was left out is in sight on every screen of a dataset, and errors are about what is in it."""

from __future__ import annotations

import json

import pytest

from core.data.editing import DropRows
from core.services.data import datasets, rows_account
from core.services.data.datasets import DatasetRecord, edits as dataset_edits
from core.services.platform import tasks
from pages.ui.format import sentence
from tests.pages.conftest import texts
from tests.pages.data.test_upload import CHAT
from tests.support import figures
from tests.support.jobs import make_dataset
from tests.support.screens import part, shows
from worker.run import execute

EMPTY = {"messages": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": ""}]}
BROKEN = "\n".join(["{", *(json.dumps(EMPTY) for _ in range(6))]).encode()
LEFT_OUT = "7 of 19 rows left out"


@pytest.fixture
def dataset(open_screen, read) -> DatasetRecord:
    """12 examples of 19 rows, uploaded; the rows that are left out can be downloaded before and after."""
    app = open_screen("upload")
    app.file_uploader[0].upload("support.jsonl", CHAT + b"\n" + BROKEN).run()
    assert "7 left out" in part(app, "account")
    assert [item.key for item in app.get("download_button")] == ["download_left_out"]
    app.button(key="create_dataset").click().run()
    (task,) = tasks.list_tasks(kind="import")
    state = {"shape": task.payload["shape"], "options": task.payload.get("options")}
    before = b"".join(rows_account.left_out_before(task.payload["source_id"], state))
    execute(task.id, owner="test")
    app.run()
    assert "7 left out" in figures.plain(app)
    assert "download_left_out" in [item.key for item in app.get("download_button")]
    made = datasets.get_dataset("support")
    after = b"".join(datasets.rejects(made.version.id))
    assert [json.loads(line)["line"] for line in after.splitlines()] == [*range(13, 20)]
    assert before == after
    return made


def test_rows_left_out_are_a_figure_on_every_version_and_errors_are_others(dataset, open_screen, read) -> None:
    drop = DropRows(positions=(0,))
    edited = dataset_edits.apply(dataset.id, drop, base_version_id=dataset.version.id).version
    assert edited is not None
    for version in (dataset.version, edited):
        assert (version.rows_left_out, version.rows_read, version.left_out_text) == (7, 19, LEFT_OUT)
        account = rows_account.of_version(version)
        assert account is not None
        assert [reason.rows for reason in account.reasons] == [6, 1]
    app = open_screen("datasets", id=dataset.id, view="Findings")
    read(app)
    tiles = {tile.label: tile.value for tile in app.metric}
    assert tiles["Rows left out"] == "7"
    assert "7 left out" in part(app, "rows_left_out")
    assert all(not item.delta or "error" not in item.delta for item in app.metric), "errors are about the dataset"
    assert datasets.findings(edited.id, severity="error") == []
    found = datasets.findings(edited.id, severity=datasets.LEFT_OUT)
    assert len(found) == 7
    assert LEFT_OUT in figures.plain(open_screen("datasets"))
    said = figures.plain(open_screen("datasets", id=dataset.id, view="Versions"))
    assert said.count(LEFT_OUT) == 2
    assert LEFT_OUT in figures.plain(open_screen("new_job"))


def test_the_tile_counts_what_the_tab_lists(dataset, open_screen, read) -> None:
    app = open_screen("datasets", id=dataset.id, view="Findings")
    read(app)
    total = sum(datasets.findings_by_severity(dataset.version.id).values())
    assert total == len(datasets.findings(dataset.version.id, limit=1_000)) > 0
    assert {tile.label: tile.value for tile in app.metric}["Findings"] == str(total)
    assert f"All {total}" in app.segmented_control(key="severity").options
    assert sum(datasets.finding_counts(dataset.version.id).values()) == total


def test_a_failed_dataset_says_what_to_do_and_is_not_called_unchecked(open_screen, read) -> None:
    examples = list(datasets.iter_examples(make_dataset().version.id))[:3]
    small = datasets.create_dataset("Small", examples)
    assert small.state == "failed"
    app = open_screen("datasets", id=small.id)
    read(app)
    (error,) = datasets.findings(small.version.id, severity="error")
    assert sentence(error.message) in part(app, "what_to_fix")
    assert sentence(error.remedy) in part(app, "what_to_fix")
    said = texts(open_screen("new_job"))
    assert "1 dataset has errors to fix" in said
    assert "not validated" not in said
    fine = open_screen("datasets", id=make_dataset("Another").id)
    assert not shows(fine, "what_to_fix")
