"""Corrections as a file for other tools: preference pairs, or labeled examples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from core.messages import Message
from core.services.serving.feedback.shaping import shaped
from core.serving.feedback import CorrectionRecord

FORMATS: Final = ("dpo", "jsonl")


def exported(found: Iterable[CorrectionRecord], format_id: str, *, redact: bool = True) -> Iterator[dict[str, Any]]:
    """One record for each correction; as pairs, without those whose answer was empty."""
    for one in found:
        messages, rejected = shaped(one.snapshot, one.text, one.snapshot.answer, redact=redact)
        if format_id == "jsonl":
            yield {"messages": _plain(messages)}
        elif rejected:  # Source: TRL, "Dataset formats": the conversational preference format
            yield {"prompt": _plain(messages[:-1]), "chosen": _plain(messages[-1:]), "rejected": _plain(rejected)}


def _plain(messages: Iterable[Message]) -> list[dict[str, Any]]:
    return [message.to_dict() for message in messages]
