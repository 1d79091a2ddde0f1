"""{"conversations": [{"from", "value"}]} in its variants, as FastChat, LLaMA-Factory, FineTome and LMSYS have it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.data.conversion.chat_shapes.base import ChatShape
from core.data.conversion.chat_shapes.messages import conversation
from core.data.conversion.chat_shapes.pairs import names_of
from core.data.conversion.chat_shapes.reading.turns import MEDIA, REFUSE, ROLE_KEYS, speaker, turn_list
from core.data.conversion.chat_shapes.reading.values import as_list, lowered

_PAST = ("chat_history", "turns")  # beside an input and an output, these are what was said before


def _shape(shape_id: str, title: str, text: str, column: str, *, sure: bool) -> ChatShape:
    """A shape of one column of turns; where its name is not `sure`, every speaker must be known."""

    def to_messages(fields: Mapping[str, Any], images: str = REFUSE) -> object:
        lower = lowered(fields)
        turns = as_list(lower.get(column))
        if not isinstance(turns, list) or not all(isinstance(turn, Mapping) for turn in turns):
            return turns
        return conversation(lower, turns, images, strict=False)

    def also(lower: Mapping[str, Any]) -> bool:
        turns = as_list(lower[column])
        if sure:
            return isinstance(turns, list) and not any(isinstance(turn, str) for turn in turns)
        return has_known_speakers(lower[column]) and not (column in _PAST and names_of(lower))

    return ChatShape(shape_id, title, text, (column,), ("system", "tools"), to_messages, (column,), (MEDIA,), also)


def has_known_speakers(value: Any) -> bool:
    """Whether a list consists of turns of known speakers, at least one of them an assistant."""
    turns = turn_list(value)
    if not turns:
        return False
    roles = [_role(turn) for turn in turns]
    return all(roles) and ("assistant" in roles or "call" in roles)


def _role(turn: Mapping[str, Any]) -> str | None:
    named = next((turn[key] for key in ROLE_KEYS if turn.get(key) is not None), None)
    if named is not None:
        return speaker(named)
    return "assistant" if any(speaker(name) == "assistant" for name in turn) else None


_TEXT = "ShareGPT: a list of from/value objects"
SHAREGPT_SHAPES = (
    _shape("sharegpt", "ShareGPT conversations", _TEXT, "conversations", sure=True),
    _shape("sharegpt_single", "ShareGPT conversation", f"{_TEXT}; LMSYS, WildChat, XTuner", "conversation", sure=True),
    _shape("sharegpt_items", "ShareGPT items", _TEXT, "items", sure=False),
    _shape("dialogue", "Dialogue", "a list of turns", "dialogue", sure=False),
    _shape("dialog", "Dialog", "a list of turns", "dialog", sure=False),
    _shape("turns", "Turns", "a list of turns", "turns", sure=False),
    _shape("chat_turns", "Chat", "a list of turns", "chat", sure=False),
    _shape("chat_history", "Chat history", "a list of turns", "chat_history", sure=False),
    _shape("data_turns", "Data of turns", "a list of turns", "data", sure=False),
)
# Source: ai.google.dev and cloud.google.com/vertex-ai, "Supervised tuning": contents, parts, systemInstruction, tools
GEMINI_SHAPE = _shape("gemini", "Gemini contents", "Gemini, Vertex AI: contents with parts", "contents", sure=False)
