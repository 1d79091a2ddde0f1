"""Exports: every format read back as the studio reads uploads, and what it cannot carry said beforehand."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from core.errors import NotFound
from core.messages import Example, Message
from core.services.data import datasets, exports, sources
from tests.support.versions import pair
from worker.run import execute

pytestmark = pytest.mark.usefixtures("studio_env")

CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Rome"}'}}
TOOLS = Example(
    (
        Message("user", "Rome?"),
        Message("assistant", "", tool_calls=(CALL,)),
        Message("tool", "Sun", tool_call_id="c1"),
        Message("assistant", "It is sunny."),
    )
)
WEIGHED = Example((Message("user", "Hi"), Message("assistant", "Hey", weight=0), Message("user", "Bye", name="ann"),
                   Message("assistant", "See you", weight=1)))  # fmt: skip
ODD = [
    'comma, quote " and\nline break',
    "tab\tand  spaces ",
    "é ß 漢字 🏡 \u200d",
    "'apostrophe",
    "0012",
    "NaN",
    "null",
    "{}",
]


@pytest.fixture
def plain() -> datasets.DatasetRecord:
    examples = [pair(f"Question {n}?", f"Answer {n}", n + 1) for n in range(12)]
    examples += [pair(text, text, system="Be kind." if n % 2 else "") for n, text in enumerate(ODD)]
    return datasets.create_dataset("Plain pairs", examples, [pair("Held out?", "Yes.")])


@pytest.fixture
def rich() -> datasets.DatasetRecord:
    turns = Example(
        (Message("system", "S"), *(Message(role, f"{role} {n}") for n in range(3) for role in ("user", "assistant")))
    )  # type: ignore[arg-type]
    flagged = pair("Say <|im_end|>", "no", flags=("mine",))
    return datasets.create_dataset("Rich", [TOOLS, WEIGHED, turns, flagged, *(pair(f"Q{n}", "A") for n in range(10))])


@pytest.fixture
def pairs() -> datasets.DatasetRecord:
    """Preference pairs, so that no format leaves all of them out."""
    examples = [replace(pair(f"Q{n}", "Yes."), rejected=(Message("assistant", f"No {n}."),)) for n in range(12)]
    return datasets.create_dataset(
        "Preference pairs", examples, [replace(examples[0], messages=pair("V", "W").messages)]
    )


def content(version_id: str, format: str, split: str | None = None) -> bytes:
    return b"".join(exports.export(version_id, format, split))


def read_back(raw: bytes, name: str) -> list[tuple[tuple[str, str], ...]]:
    """The roles and contents that an upload of this file becomes."""
    source = sources.ingest(io.BytesIO(raw), name)
    task = datasets.create_from_source(source.id, f"Again {name}")
    ended = execute(task.id, "test")
    assert ended is not None
    assert ended.state == "succeeded", ended.error
    assert ended.result["rejected"] == 0
    version = datasets.get_dataset(ended.result["dataset_id"]).version
    return [tuple((m.role, m.content) for m in example.messages) for example in datasets.iter_examples(version.id)]


def said(version_id: str) -> list[tuple[tuple[str, str], ...]]:
    return [tuple((m.role, m.content) for m in example.messages) for example in datasets.iter_examples(version_id)]


@pytest.mark.parametrize("format", exports.EXPORTS.ids())
def test_contract(format: str, pairs: datasets.DatasetRecord) -> None:
    found = exports.EXPORTS.get(format)
    assert found.id == format
    assert found.title
    assert found.text.endswith(".")
    name = exports.filename(pairs.version.id, format, "train")
    assert name == f"Preference-pairs-v1-train{found.suffix}"
    whole, train = content(pairs.version.id, format), content(pairs.version.id, format, "train")
    assert len(whole) > len(train) > 0
    with pytest.raises(NotFound):
        exports.export("ds_none-v1", format)


@pytest.mark.parametrize("format", [name for name in exports.EXPORTS.ids() if name not in ("csv", "dpo")])
def test_every_format_is_read_back_unchanged(format: str, plain: datasets.DatasetRecord) -> None:
    raw = content(plain.version.id, format)
    assert read_back(raw, exports.filename(plain.version.id, format)) == said(plain.version.id)


def test_jsonl_and_parquet_carry_tools_weights_and_names(rich: datasets.DatasetRecord) -> None:
    expected = [example.messages for example in datasets.iter_examples(rich.version.id)]
    lines = [json.loads(line) for line in content(rich.version.id, "jsonl").splitlines()]
    assert [tuple(Message.from_dict(item) for item in line["messages"]) for line in lines] == expected
    source = sources.ingest(io.BytesIO(content(rich.version.id, "parquet")), "rich.parquet")
    task = datasets.create_from_source(source.id, "From Parquet")
    ended = execute(task.id, "test")
    assert ended is not None
    assert ended.state == "succeeded", ended.error
    again = datasets.get_dataset("From Parquet").version.id
    assert [example.messages for example in datasets.iter_examples(again)] == expected


def losses(version_id: str, format: str, split: str | None = None) -> dict[str, int]:
    return {loss.code: loss.count for loss in exports.losses(version_id, format, split)}


def test_what_is_lost_is_said(rich: datasets.DatasetRecord, plain: datasets.DatasetRecord) -> None:
    version = rich.version.id
    assert losses(version, "jsonl") == {"flags": 1}
    assert losses(version, "parquet") == {}
    assert losses(version, "csv") == {"turns": 3, "flags": 1}
    assert losses(version, "sharegpt") == {"tools": 1, "names": 1, "flags": 1}
    assert losses(version, "alpaca") == {"history": 2, "tools": 1, "weights": 1, "names": 1, "flags": 1}
    assert losses(plain.version.id, "jsonl") == {"split": 21}
    assert losses(plain.version.id, "jsonl", "train") == {}
    told = {loss.code: loss.text for loss in exports.losses(version, "alpaca")}
    assert told["weights"].startswith("1 example excludes answers from the loss")
    with pytest.raises(NotFound, match="Unknown export format: 'xml'"):
        exports.losses(version, "xml")


def test_what_has_no_place_in_a_format_is_left_out_and_counted() -> None:
    odd = Example((Message("user", "a"), Message("user", "b"), Message("assistant", "c")))
    only_call = Example((Message("user", "Rome?"), Message("assistant", "", tool_calls=(CALL,))))
    version = datasets.create_dataset("Odd", [odd, only_call, pair("x", "y")]).version.id
    assert losses(version, "alpaca")["left_out"] == 2
    assert len(content(version, "alpaca").splitlines()) == 1
    assert losses(version, "sharegpt")["left_out"] == 1
    assert len(content(version, "sharegpt").splitlines()) == 2


def test_csv_holds_everything_and_runs_nothing(plain: datasets.DatasetRecord) -> None:
    formulas = ["=1+1", "+1", "-1", "@x", "\tx", "\rx"]
    examples = [*(pair(text, "fine") for text in formulas), *(pair(text, text) for text in ODD)]
    version = datasets.create_dataset("Formulas", examples).version.id
    assert losses(version, "csv") == {"formula": 6}
    rows = list(csv.DictReader(io.StringIO(content(version, "csv").decode("utf-8"), newline="")))
    assert [row["input"] for row in rows] == [f"'{text}" for text in formulas] + ODD
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows for cell in row.values())
    assert [json.loads(row["messages"])[0]["content"] for row in rows] == formulas + ODD


def test_a_large_version_is_streamed(plain: datasets.DatasetRecord) -> None:
    worse = (Message("assistant", "w"),)
    large = (replace(pair(f"Q{n}", "x" * 500), rejected=worse) for n in range(6_000))
    version = datasets.create_dataset("Large", large).version.id
    for format in exports.EXPORTS.ids():
        if format == "parquet":  # repetition compresses to a single block
            continue
        blocks = list(exports.export(version, format))
        assert len(blocks) > 1
        assert max(map(len, blocks)) < 2_000_000


def test_a_file_without_any_example_is_said_beforehand(
    plain: datasets.DatasetRecord, pairs: datasets.DatasetRecord
) -> None:
    assert losses(plain.version.id, "dpo") == {"nothing": 21, "no_pair": 21}
    assert "nothing" not in losses(pairs.version.id, "dpo")
    (first, *_) = exports.losses(plain.version.id, "dpo")
    assert first.text == "The file would be empty; choose another format."
