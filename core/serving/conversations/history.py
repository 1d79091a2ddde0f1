"""What a model is sent of a conversation, and what a conversation is called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from core.messages import Message
from core.serving.conversations.records import TurnRecord

TITLE_CHARACTERS: Final = 60


def messages_for(turns: Sequence[TurnRecord], system: str) -> list[Message]:
    """The system message, then every earlier turn. An input without an answer is left out with its empty answer:
    many chat templates refuse two inputs in a row."""
    messages = [Message("system", system)] if system.strip() else []
    for number, turn in enumerate(turns):
        follower = turns[number + 1] if number + 1 < len(turns) else None
        if turn.is_answer:
            if turn.content:
                messages.append(Message("assistant", turn.content))
        elif follower is None or (follower.is_answer and follower.content):
            messages.append(Message("user", turn.content))
    return messages


def title_of(text: str) -> str:
    """The beginning of an input, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= TITLE_CHARACTERS else line[: TITLE_CHARACTERS - 1].rstrip() + "…"
