"""What an export format is, the losses it can report, and what several formats share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.messages import Example, Message

BLOCK_BYTES: Final = 1 << 20

# What a file can lose, by code. The verbs agree with the number of examples.
LOSSES: Final[dict[str, str]] = {
    "nothing": "The file would be empty; choose another format.",
    "left_out": "{n} cannot be written in this format and {are} left out.",
    "split": "The file does not say which examples are for training and which for validation; export each split "
    "separately.",
    "tools": "{n} {have} tools; their schemas, the calls and the results are not in the file.",
    "rejected": "{n} {have} a rejected answer, which is not in the file; DPO JSONL carries it.",
    "no_pair": "{n} {have} no rejected answer to their output and {are} left out: the file has preference pairs only.",
    "weights": "{n} {exclude} answers from the loss (weight 0); in the file they are ordinary answers.",
    "names": "{n} {name} a speaker; the names are not in the file.",
    "history": "{n} {have} several turns; the earlier ones are in `history`, which some readers of Alpaca ignore.",
    "flags": "The findings about {n} are not in the file.",
    "formula": "{n} {begin} a cell like a formula (= + - @); an apostrophe is put before it, so that no spreadsheet "
    "runs it. It is part of the text when the file is read again.",
    "formula_kept": "{n} {begin} a cell like a formula (= + - @); a spreadsheet that opens the file runs it.",
    "turns": "{n} {have} several turns or tool calls; `input` and `output` hold the first question and the last "
    "answer, the column `messages` holds everything.",
}


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A way to write the examples of a version into a file.

    Attributes:
        losses: for one example, the codes (in LOSSES) of what the file would lose.
        write: the version's examples file and a split (None: all) -> the exported file, block by block.
        write_unchanged: the same with cells that spreadsheets take for formulas as they are; None where `write` never
            changes one.
    """

    id: str
    title: str
    text: str
    suffix: str
    mime: str
    losses: Callable[[Example], Iterable[str]]
    write: Callable[[Path, str | None], Iterator[bytes]]
    write_unchanged: Callable[[Path, str | None], Iterator[bytes]] | None = None


def examples(path: Path, split: str | None) -> Iterator[Example]:
    """The examples of a version, one at a time."""
    from core.data.versions import reader

    return reader.iterate(path, split)


def json_line(record: Mapping[str, Any]) -> bytes:
    """One line of JSON in UTF-8."""
    return json.dumps(record, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


_MARKS: Final[Mapping[str, Callable[[Example], bool]]] = {
    "tools": lambda example: (
        bool(example.tools) or any(message.tool_calls or message.role == "tool" for message in example.messages)
    ),
    "weights": lambda example: any(message.weight is not None for message in example.messages),
    "names": lambda example: any(message.name is not None for message in example.messages),
    "flags": lambda example: bool(example.flags),
    "rejected": lambda example: bool(example.rejected),
}


def lost(example: Example, *codes: str) -> Iterator[str]:
    """Which of these an example has and the file would not: tools, weights, names, flags, rejected."""
    return (code for code in codes if _MARKS[code](example))


def spoken(example: Example) -> list[Message]:
    """The messages without tool results, and without calls that have no text."""
    return [item for item in example.messages if item.role != "tool" and not (item.tool_calls and not item.content)]
