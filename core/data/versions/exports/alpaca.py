"""Alpaca: instruction and output, earlier turns in `history`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from core.data.versions.exports.base import ExportFormat, examples, json_line, lost, spoken
from core.messages import Example


def _record(example: Example) -> dict[str, Any] | None:
    """The record, or None where the turns do not alternate between question and answer."""
    messages = spoken(example)
    system = "\n\n".join(message.content for message in messages if message.role == "system")
    turns = [message for message in messages if message.role != "system"]
    if not turns or [message.role for message in turns] != ["user", "assistant"] * (len(turns) // 2):
        return None
    pairs = [[question.content, answer.content] for question, answer in zip(turns[::2], turns[1::2], strict=True)]
    record: dict[str, Any] = {"instruction": pairs[-1][0], "input": "", "output": pairs[-1][1]}
    if system:
        record["system"] = system
    if pairs[:-1]:
        record["history"] = pairs[:-1]
    return record


def write(path: Path, split: str | None = None) -> Iterator[bytes]:
    """One record per line."""
    for example in examples(path, split):
        if (record := _record(example)) is not None:
            yield json_line(record)


def _losses(example: Example) -> Iterator[str]:
    yield "split"
    record = _record(example)
    if record is None:
        yield "left_out"
        return
    if "history" in record:
        yield "history"
    yield from lost(example, "tools", "weights", "names", "rejected", "flags")


ALPACA: Final = ExportFormat(
    "alpaca", "Alpaca", "Instruction and output, one per line.", ".alpaca.jsonl", "application/jsonl", _losses, write
)
