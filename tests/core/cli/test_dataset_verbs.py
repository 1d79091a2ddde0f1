"""The verbs about datasets, in this process: list, split, dedupe, history, undo, export."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.cli import main
from core.services.data import datasets
from tests.support.versions import pair

pytestmark = pytest.mark.usefixtures("studio_env")


@pytest.fixture
def dataset() -> datasets.DatasetRecord:
    examples = [pair(f"Question {n}?", f"Label {n % 3}", n + 1) for n in range(30)]
    return datasets.create_dataset("faq", [*examples, examples[0]])


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_dataset_is_deduplicated_split_and_brought_back(dataset, capsys) -> None:
    assert main(["dedupe", "faq", "--dry-run", "--json"]) == 0
    assert lines(capsys)[0]["removed"] == 1
    assert main(["dedupe", "faq", "--why", "Twice.", "--json"]) == 0
    assert main(["split", "faq", "--kind", "stratified", "--share", "0.2", "--json"]) == 0
    made = lines(capsys)
    assert [(item["number"], item["examples"], item["validation"]) for item in made] == [(2, 30, 0), (3, 30, 6)]
    assert main(["history", "faq", "--json"]) == 0
    assert [(item["number"], item["why"]) for item in lines(capsys)] == [(3, ""), (2, "Twice."), (1, "")]
    assert main(["undo", "faq"]) == 0
    assert "faq v4: 30 labeled examples, 30 for training" in capsys.readouterr().out
    assert main(["undo", "faq", "--to", "1", "--json"]) == 0
    assert lines(capsys)[0]["examples"] == 31
    assert main(["datasets", "--json"]) == 0
    assert lines(capsys)[0]["version"] == f"{dataset.id}-v5"
    assert main(["datasets"]) == main(["history", "faq"]) == 0


def test_export_writes_a_file_and_names_what_is_lost(dataset, capsys, tmp_path: Path) -> None:
    out = tmp_path / "faq.jsonl"
    main(["split", "faq", "--share", "0.2"])
    capsys.readouterr()
    assert main(["export", "faq", "--out", str(out)]) == 0
    told = capsys.readouterr()
    assert told.out.strip() == str(out)
    assert "which examples are for training" in told.err
    assert len(out.read_text().splitlines()) == 31
    assert main(["export", "faq", "--version", "1", "--split", "train", "--out", str(out), "--format", "alpaca"]) == 0
    assert json.loads(out.read_text().splitlines()[0]) == {
        "instruction": "Question 0?",
        "input": "",
        "output": "Label 0",
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["split", "none"], "There is no dataset 'none'"),
        (["split", "faq", "--share", "2"], "share"),
        (["split", "faq", "--kind", "magic"], "kind"),
        (["undo", "faq"], "nothing to undo"),
        (["undo", "faq", "--to", "9"], "have a version 9"),
        (["export", "faq", "--format", "xml"], "xml"),
        (["export", "faq", "--split", "both"], "Unknown split: 'both'"),
        (["export", "faq", "--version", "7"], "does not have a version 7"),
        (["export", "faq", "--out", "/nowhere/faq.jsonl"], "No such file"),
        (["mix", "faq=x", "--name", "m"], "is not a weight"),
        (["mix", "faq=0", "--name", "m"], "weight must be above 0"),
    ],
)
def test_what_cannot_be_done_is_said(dataset, capsys, words: list[str], said: str) -> None:
    assert main(words) == 1
    told = capsys.readouterr()
    assert said in told.err
    assert "Traceback" not in told.err


def test_a_name_that_is_no_text_and_a_folder_in_the_place_of_a_file(dataset, capsys, tmp_path: Path) -> None:
    assert main(["history", "f\udcff"]) == 1
    assert "There is no dataset" in capsys.readouterr().err
    assert main(["export", "faq", "--out", str(tmp_path)]) == 1
    assert "Is a directory" in capsys.readouterr().err
