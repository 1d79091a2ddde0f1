"""The formats that a version can be exported to, and what each cannot carry.

A new format is two functions, what is lost of an example and how examples become bytes, and a line in FORMATS.
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from core.data.versions.writer import ParquetRows
from core.messages import Example, Message

_BLOCK = 1 << 20
# Source: OWASP, "CSV Injection": what a spreadsheet takes for a formula at the start of a cell.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Format:
    """A way to write examples into a file.

    Attributes:
        losses: for one example, the codes (in TELLS) of what would be lost.
        write: examples -> bytes of the file, streamed.
    """

    id: str
    title: str
    text: str
    suffix: str
    mime: str
    losses: Callable[[Example], Iterable[str]]
    write: Callable[[Iterator[Example]], Iterator[bytes]]


# ---- what cannot be carried

TELLS = {
    "left_out": "{n} cannot be written in this format and {are} left out.",
    "split": "The file does not say which examples are for training and which for validation; export each part apart.",
    "tools": "{n} {call} tools; the calls and their results are not in the file.",
    "weights": "{n} {keep} answers out of the loss (weight 0); in the file they are answers like all others.",
    "names": "{n} {name} a speaker; the names are not in the file.",
    "history": "{n} {have} several turns; the earlier ones are in `history`, which not every reader of Alpaca knows.",
    "flags": "The findings about {n} are not in the file.",
    "formula": "{n} {begin} a cell like a formula (= + - @); an apostrophe is put before it, so that no spreadsheet "
    "runs it. It is part of the text when the file is read again.",
    "turns": "{n} {have} several turns or tool calls; `input` and `output` hold the first question and the last "
    "answer, the column `messages` holds everything.",
}


def _has_tools(example: Example) -> bool:
    return any(message.tool_calls or message.role == "tool" for message in example.messages)


def _has_weights(example: Example) -> bool:
    return any(message.weight is not None for message in example.messages)


def _has_names(example: Example) -> bool:
    return any(message.name is not None for message in example.messages)


# ---- JSON lines


def _line(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


def _jsonl(examples: Iterator[Example]) -> Iterator[bytes]:
    for example in examples:
        yield _line({"messages": [message.to_dict() for message in example.messages]})


def _jsonl_losses(example: Example) -> Iterator[str]:
    yield "split"
    if example.flags:
        yield "flags"


# ---- Parquet

_CALLS = pa.list_(
    pa.struct(
        [
            ("id", pa.string()),
            ("type", pa.string()),
            ("function", pa.struct([("name", pa.string()), ("arguments", pa.string())])),
        ]
    )
)
_PARQUET = pa.schema(
    [
        (
            "messages",
            pa.list_(
                pa.struct(
                    [
                        ("role", pa.string()),
                        ("content", pa.string()),
                        ("weight", pa.int8()),
                        ("name", pa.string()),
                        ("tool_calls", _CALLS),
                        ("tool_call_id", pa.string()),
                    ]
                )
            ),
        ),
        ("split", pa.string()),
        ("source_line", pa.int64()),
        ("flags", pa.list_(pa.string())),
    ]
)


def _parquet(examples: Iterator[Example]) -> Iterator[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "examples.parquet"
        rows = ParquetRows(path, _PARQUET)
        for example in examples:
            rows.add(
                {
                    "messages": [message.to_dict() for message in example.messages],
                    "split": example.split,
                    "source_line": example.source_line,
                    "flags": list(example.flags),
                }
            )
        rows.close()
        with path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                yield block


# ---- CSV

_CSV_COLUMNS = ("system", "input", "output", "split", "messages")


def _csv_cells(example: Example) -> tuple[str, ...]:
    said = example.messages
    system = "\n".join(message.content for message in said if message.role == "system")
    asked = next((message.content for message in said if message.role == "user"), "")
    answer = next((message.content for message in reversed(said) if message.role == "assistant"), "")
    messages = json.dumps([message.to_dict() for message in said], ensure_ascii=False)
    return system, asked, answer, example.split, messages


def _csv(examples: Iterator[Example]) -> Iterator[bytes]:
    buffer = io.StringIO()
    out = csv.writer(buffer, lineterminator="\r\n")  # Source: RFC 4180
    out.writerow(_CSV_COLUMNS)
    for example in examples:
        out.writerow([_safe(cell) for cell in _csv_cells(example)])
        if buffer.tell() > _BLOCK:
            yield buffer.getvalue().encode("utf-8", "surrogatepass")
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode("utf-8", "surrogatepass")


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _csv_losses(example: Example) -> Iterator[str]:
    if any(cell.startswith(_FORMULA) for cell in _csv_cells(example)):
        yield "formula"
    if sum(message.role != "system" for message in example.messages) > 2:
        yield "turns"
    if example.flags:
        yield "flags"


# ---- ShareGPT

_FROM = {"system": "system", "user": "human", "assistant": "gpt"}


def _sharegpt(examples: Iterator[Example]) -> Iterator[bytes]:
    for example in examples:
        turns: list[dict[str, Any]] = []
        for message in _spoken(example):
            turn: dict[str, Any] = {"from": _FROM[message.role], "value": message.content}
            if message.weight is not None:
                turn["weight"] = message.weight
            turns.append(turn)
        if _trainable(turn["from"] for turn in turns):
            yield _line({"conversations": turns})


def _sharegpt_losses(example: Example) -> Iterator[str]:
    yield "split"
    if not _trainable(_FROM[message.role] for message in _spoken(example)):
        yield "left_out"
        return
    if _has_tools(example):
        yield "tools"
    if _has_names(example):
        yield "names"
    if example.flags:
        yield "flags"


def _spoken(example: Example) -> list[Message]:
    """The turns without tool results, and without calls that say nothing."""
    return [item for item in example.messages if item.role != "tool" and not (item.tool_calls and not item.content)]


def _trainable(speakers: Iterable[str]) -> bool:
    found = set(speakers)
    return "human" in found and "gpt" in found


# ---- Alpaca


def _alpaca_record(example: Example) -> dict[str, Any] | None:
    """The record, or None where the turns do not go to and fro: question, answer, question, answer."""
    said = _spoken(example)
    system = "\n\n".join(message.content for message in said if message.role == "system")
    turns = [message for message in said if message.role != "system"]
    if (
        not turns
        or len(turns) % 2
        or any(message.role != ("user", "assistant")[index % 2] for index, message in enumerate(turns))
    ):
        return None
    pairs = [[turns[at].content, turns[at + 1].content] for at in range(0, len(turns), 2)]
    record: dict[str, Any] = {"instruction": pairs[-1][0], "input": "", "output": pairs[-1][1]}
    if system:
        record["system"] = system
    if pairs[:-1]:
        record["history"] = pairs[:-1]
    return record


def _alpaca(examples: Iterator[Example]) -> Iterator[bytes]:
    for example in examples:
        if (record := _alpaca_record(example)) is not None:
            yield _line(record)


def _alpaca_losses(example: Example) -> Iterator[str]:
    yield "split"
    record = _alpaca_record(example)
    if record is None:
        yield "left_out"
        return
    if "history" in record:
        yield "history"
    if _has_tools(example):
        yield "tools"
    if _has_weights(example):
        yield "weights"
    if _has_names(example):
        yield "names"
    if example.flags:
        yield "flags"


def _nothing(example: Example) -> Iterable[str]:
    return ()


FORMATS: dict[str, Format] = {
    item.id: item
    for item in (
        Format("jsonl", "JSONL", "Chat messages, one example a line; what most trainers read.", ".jsonl",
               "application/jsonl", _jsonl_losses, _jsonl),
        Format("parquet", "Parquet", "Chat messages in columns, with part, source line and findings.", ".parquet",
               "application/vnd.apache.parquet", _nothing, _parquet),
        Format("csv", "CSV", "A table: system, input, output, part, and all messages as JSON.", ".csv", "text/csv",
               _csv_losses, _csv),
        Format("sharegpt", "ShareGPT", "Conversations of human and gpt, one a line.", ".sharegpt.jsonl",
               "application/jsonl", _sharegpt_losses, _sharegpt),
        Format("alpaca", "Alpaca", "Instruction and output, one a line.", ".alpaca.jsonl", "application/jsonl",
               _alpaca_losses, _alpaca),
    )
}  # fmt: skip
