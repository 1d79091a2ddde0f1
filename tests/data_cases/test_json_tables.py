"""JSON whose rows are not objects, in every way that pandas and spreadsheets write it; joined files; nested cells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from core.data import formats
from core.errors import DataError
from core.services.data import sources
from tests.core.data.formats.support import detect, put, read, rejected, rows

QA = [{"question": f"Where is dock {n}?", "answer": f"Dock {n} is north."} for n in range(12)]
LISTS = [["question", "answer"], *(list(row.values()) for row in QA)]


def _fields(path: Path, **chosen: Any) -> list[dict[str, Any]]:
    return [fields for _, fields in rows(read(path, **chosen))]


@pytest.mark.parametrize("indent", [None, 1], ids=["one line", "pretty"])
def test_lists_whose_first_one_names_the_columns(tmp_path: Path, indent: int | None) -> None:
    path = put(tmp_path, "a.json", json.dumps(LISTS, indent=indent))
    assert _fields(path) == QA
    found = detect(path)
    assert [choice.id for choice in formats.choices(found, found)] == ["format", "encoding", "header", "names"]


def test_lists_without_a_header(tmp_path: Path) -> None:
    path = put(tmp_path, "a.json", json.dumps([[1, "one"], [2, "two"], [3, None]]))
    assert _fields(path) == [{"column_1": n, "column_2": text} for n, text in ((1, "one"), (2, "two"), (3, None))]
    assert _fields(path, names="id,word")[0] == {"id": 1, "word": "one"}


def test_the_header_and_the_names_can_be_chosen(tmp_path: Path) -> None:
    path = put(tmp_path, "a.json", json.dumps(LISTS))
    assert len(_fields(path, header=False)) == 13
    assert _fields(path, names=["q", "a"])[0] == {"q": "Where is dock 0?", "a": "Dock 0 is north."}
    with pytest.raises(DataError, match="3 names for the columns, but there are 2 columns"):
        detect(path, names="a,b,c")


def test_lists_of_another_length_are_rejected_with_their_record(tmp_path: Path) -> None:
    path = put(tmp_path, "a.json", json.dumps([*LISTS, ["one"], ["a", "b", "c"], ["Who?", "Ann."]]))
    items = read(path)
    assert rejected(items) == [("json_ragged", 1), ("json_ragged", 1)]
    assert "Record 14: The row has 1 cell, but there are 2 columns." in [
        item.findings[0].message for item in items if hasattr(item, "findings")
    ]
    assert len(rows(items)) == 13


def test_lines_of_lists(tmp_path: Path) -> None:
    path = put(tmp_path, "a.jsonl", "".join(json.dumps(row) + "\n" for row in LISTS))
    found = rows(read(path))
    assert [fields for _, fields in found] == QA
    assert [line for line, _ in found] == list(range(2, 14))


FRAME = pd.DataFrame(QA)


@pytest.mark.parametrize("orient", ["columns", "index", "split", "records", "values", "table"])
def test_every_way_in_which_pandas_writes_a_frame(tmp_path: Path, orient: Any) -> None:
    path = tmp_path / "a.json"
    FRAME.to_json(path, orient=orient)
    chosen = {"names": "question,answer"} if orient == "values" else {}
    found = [{name: row[name] for name in ("question", "answer")} for row in _fields(path, **chosen)]
    assert found == QA


def test_an_object_of_columns_and_of_rows(tmp_path: Path) -> None:
    columns = {"question": [row["question"] for row in QA], "answer": [row["answer"] for row in QA]}
    path = put(tmp_path, "a.json", json.dumps(columns, indent=2))
    assert _fields(path) == QA
    assert _fields(path, layout="values") == [columns]
    members = {f"dock-{n}": row for n, row in enumerate(QA)}
    assert _fields(put(tmp_path, "b.json", json.dumps(members))) == [
        {"key": key, **row} for key, row in members.items()
    ]


@pytest.mark.parametrize(
    "document",
    [
        {"instruction": "x", "input": "", "output": "y"},
        {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]},
        {"instruction": "x", "output": "y", "history": [["a", "b"], ["c", "d"]]},
        {"translation": {"en": "a", "de": "b"}},
        {"question": {"en": "a", "de": "b"}, "answer": {"en": "c", "de": "d"}},
    ],
)
def test_a_document_that_is_one_row_stays_one(tmp_path: Path, document: dict[str, Any]) -> None:
    assert _fields(put(tmp_path, "a.json", json.dumps(document))) == [document]


def test_a_layout_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not an object of columns"):
        detect(put(tmp_path, "a.json", '{"a": 1, "b": 2}'), layout="columns")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ('[{"q": "a", "a": "b"}, {"q": "c", "a": "d"}]', "json"),
        ('[["q", "a"], ["x", "y"]]', "json"),
        ("[1] Smith,2020\n[2] Jones,2021\n", "csv"),
        ("[tag],text\n[a],one\n[b],two\n", "csv"),
        ('["a"],text\n["b"],one\n["c"],two\n', "csv"),
        ("[],text\n[],one\n[],two\n", "csv"),
    ],
)
def test_the_suffix_weighs_in_where_a_table_begins_with_a_bracket(tmp_path: Path, content: str, kind: str) -> None:
    assert detect(put(tmp_path, "a.csv", content)).format == kind


def test_marks_of_joined_files_are_left_out_and_said(tmp_path: Path) -> None:
    part = "".join(
        json.dumps(
            {
                "messages": [
                    {"role": "user", "content": f"{row['question']}"},
                    {"role": "assistant", "content": row["answer"]},
                ]
            }
        )
        + "\n"
        for row in QA
    )
    path = put(tmp_path, "a.jsonl", b"\xef\xbb\xbf".join([b"", part.encode(), part.encode(), part.encode()]))
    assert len(_fields(path)) == 36
    assert [item.message for item in detect(path).findings if item.code == "bom_inside"] == [
        "2 byte order marks inside the file, where files were joined, were left out."
    ]
    report = sources.inspect(path)
    assert (report.read, report.rejected) == (36, 0)


def test_one_level_of_nesting_is_flattened_by_choice(tmp_path: Path) -> None:
    path = put(tmp_path, "a.json", json.dumps([{"id": 1, "body": {"question": "a?", "answer": "b"}}] * 3))
    assert _fields(path, nested="flatten")[0] == {"id": 1, "body.question": "a?", "body.answer": "b"}


def test_cells_of_objects_are_shown_as_json(tmp_path: Path) -> None:
    from pages.data._convert.reading import cell_shown

    path = put(tmp_path, "a.json", json.dumps([{"a": {"x": [True, None, "ü"]}, "b": n} for n in range(3)]))
    assert cell_shown(_fields(path)[0]["a"]) == '{"x": [true, null, "ü"]}'
    assert sources.analyze_file(path).columns[0].samples[0] == '{"x": [true, null, "ü"]}'


def test_a_chosen_array_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    path = put(tmp_path, "a.json", json.dumps({"data": {"items": QA}, "more": [{"a": 1}], "n": 3}))
    with pytest.raises(DataError, match=r"no array at 'data\.rows'") as caught:
        detect(path, array_path=("data", "rows"))
    assert "--array" in str(caught.value.remedy)
    assert "data.items or more" in str(caught.value.remedy)
    assert len(_fields(path, array_path=("data", "items"))) == len(QA)
