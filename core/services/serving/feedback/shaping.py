"""A judged answer as the messages of an example."""

from __future__ import annotations

from core.data.chat_logs.shaping import redact as redacted
from core.messages import Message
from core.serving.feedback import AnswerSnapshot

Messages = tuple[Message, ...]


def shaped(snapshot: AnswerSnapshot, text: str, rejected: str = "", *, redact: bool) -> tuple[Messages, Messages]:
    """The conversation with `text` as its answer, and the rejected answer, if there is one.

    Args:
        redact: replace personal data and secrets by placeholders.
    """
    messages = (*snapshot.messages, Message("assistant", text))
    worse = (Message("assistant", rejected),) if rejected.strip() else ()
    return (redacted(messages)[0], redacted(worse)[0]) if redact else (messages, worse)
