"""ShareGPT: conversations of `human` and `gpt`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from core.data.versions.exports.base import ExportFormat, examples, json_line, lost, spoken
from core.messages import Example

_FROM: Final = {"system": "system", "user": "human", "assistant": "gpt"}


def write(path: Path, split: str | None = None) -> Iterator[bytes]:
    """One conversation per line."""
    for example in examples(path, split):
        turns: list[dict[str, Any]] = []
        for message in spoken(example):
            turn: dict[str, Any] = {"from": _FROM[message.role], "value": message.content}
            if message.weight is not None:
                turn["weight"] = message.weight
            turns.append(turn)
        if _trainable(turn["from"] for turn in turns):
            yield json_line({"conversations": turns})


def _losses(example: Example) -> Iterator[str]:
    yield "split"
    if not _trainable(_FROM[message.role] for message in spoken(example)):
        yield "left_out"
    else:
        yield from lost(example, "tools", "names", "rejected", "flags")


def _trainable(speakers: Iterable[str]) -> bool:
    return {"human", "gpt"} <= set(speakers)


SHAREGPT: Final = ExportFormat(
    "sharegpt", "ShareGPT", "Conversations of human and gpt, one per line.", ".sharegpt.jsonl", "application/jsonl",
    _losses, write,
)  # fmt: skip
