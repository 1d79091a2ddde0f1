"""DPO JSONL: preference pairs of chat messages, as TRL's trainers of preferences read them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from core.data.versions.exports.base import ExportFormat, examples, json_line, lost
from core.messages import Example


def _record(example: Example) -> dict[str, Any] | None:
    """The pair, or None where there is no rejected answer, or no answer to compare it with."""
    inputs = [index for index, message in enumerate(example.messages) if message.role == "user"]
    answers = example.messages[inputs[-1] + 1 :] if inputs else ()
    if not example.rejected or not answers:
        return None
    # Source: TRL, "Dataset formats": the conversational preference format with an explicit prompt, and `tools`.
    parts = {"prompt": example.messages[: inputs[-1] + 1], "chosen": answers, "rejected": example.rejected}
    record: dict[str, Any] = {name: [message.to_dict() for message in part] for name, part in parts.items()}
    return {**record, "tools": list(example.tools)} if example.tools else record


def write(path: Path, split: str | None = None) -> Iterator[bytes]:
    """One pair per line."""
    for example in examples(path, split):
        if (record := _record(example)) is not None:
            yield json_line(record)


def _losses(example: Example) -> Iterator[str]:
    if _record(example) is None:
        yield "no_pair"
        return
    yield "split"
    yield from lost(example, "flags")


DPO: Final = ExportFormat(
    "dpo", "DPO JSONL", "Preference pairs for TRL: prompt, chosen and rejected, one per line.", ".dpo.jsonl",
    "application/jsonl", _losses, write,
)  # fmt: skip
