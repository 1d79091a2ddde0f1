"""Dialogs without roles: texts in turn, lists of {speaker, text}, and segments of which some are learned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from core.data.conversion.chat_shapes.base import ChatShape
from core.data.conversion.chat_shapes.messages import SYSTEM
from core.data.conversion.chat_shapes.reading.turns import CONTENT_KEYS, ROLE_KEYS, Chat
from core.data.conversion.chat_shapes.reading.values import as_list, first_of, lowered
from core.data.examples.characters import SPECIAL_TOKENS

# Sources: DailyDialog (dialog), SODA (dialogue, speakers), UltraChat (data), Persona-Chat, Topical-Chat.
_COLUMNS: Final = (
    "dialog",
    "dialogue",
    "dialogues",
    "conversation",
    "conversations",
    "utterances",
    "turns",
    "data",
    "chat",
    "messages",
)
_BESIDE_DATA: Final = frozenset({"data", "id", "prompt_id", "source"})  # UltraChat's columns
_NAMES: Final = (*ROLE_KEYS, "name", "user", "agent", "participant")


def _texts(value: Any) -> list[tuple[str, str]] | None:
    """(speaker, text) of each turn; the speakers of a plain list of texts take turns. None if it is neither."""
    listed = as_list(value)
    if not isinstance(listed, list) or len(listed) < 2:
        return None
    if all(isinstance(item, str) and item.strip() for item in listed):
        return [(str(place % 2), text) for place, text in enumerate(listed)]
    turns: list[tuple[str, str]] = []
    for item in listed:
        name = (
            next((item[key] for key in _NAMES if isinstance(item.get(key), str | int)), None)
            if isinstance(item, Mapping)
            else None
        )
        text = (
            next((item[key] for key in CONTENT_KEYS if isinstance(item.get(key), str)), None)
            if name is not None
            else None
        )
        if text is None:
            return None
        turns.append((str(name), text))
    return turns


def _column(lower: Mapping[str, Any]) -> str | None:
    found = next((name for name in _COLUMNS if name in lower and _texts(lower[name])), None)
    if found == "data" and not lower.keys() <= _BESIDE_DATA:
        return None  # a list of texts in a column of this name may be anything
    turns = _texts(lower[found]) if found else None
    words = turns is not None and any(len(text.split()) > 1 for _, text in turns)
    return found if turns and words and len({name for name, _ in turns}) == 2 else None


def _is_dialog(lower: Mapping[str, Any]) -> bool:
    return _column(lower) is not None


def _from_dialog(fields: Mapping[str, Any]) -> object:
    lower = lowered(fields)
    turns = _texts(lower.get(_column(lower) or "")) or []
    chat = Chat()
    system = first_of(lower, SYSTEM)
    if system is not None:
        chat.system(system)
    for name, text in turns:  # who speaks first asks
        role = "user" if name == turns[0][0] else "assistant"
        last = chat.messages[-1] if chat.messages else None
        if last and last["role"] == role:
            last["content"] += f"\n{text}"
        else:
            chat.messages.append({"role": role, "content": text})
    while chat.messages and chat.messages[-1]["role"] == "user":  # nothing is learned from the last input
        chat.messages.pop()
    return chat.shaped()


DIALOG_SHAPE = ChatShape(
    "dialog_list",
    "Dialog of two speakers",
    "DailyDialog, SODA, UltraChat: texts in turn, or speaker and text; who speaks first asks",
    (),
    ("dialog", "dialogue", "utterances", "data"),
    _from_dialog,
    also=_is_dialog,
)


# ---- segments


def _are_segments(lower: Mapping[str, Any]) -> bool:
    segments = as_list(lower["segments"])
    return bool(segments) and all(
        isinstance(item, Mapping) and isinstance(item.get("text"), str) and isinstance(item.get("label"), bool)
        for item in segments
    )


def _from_segments(fields: Mapping[str, Any]) -> object:
    chat = Chat()
    segments = as_list(lowered(fields).get("segments"))
    for item in segments if isinstance(segments, list) else ():
        if not isinstance(item, Mapping):
            return segments
        role = "assistant" if item.get("label") else "user"
        text = SPECIAL_TOKENS.sub("", str(item.get("text"))).strip()
        last = chat.messages[-1] if chat.messages else None
        if last and last["role"] == role:
            last["content"] += text
        elif text:
            chat.messages.append({"role": role, "content": text})
    chat.notes["template_tokens"] = None
    return chat.shaped()


# Source: docs.axolotl.ai/docs/dataset-formats/template_free.html
SEGMENTS_SHAPE = ChatShape(
    "segments",
    "Segments",
    "Axolotl's input_output: texts, of which some are learned",
    ("segments",),
    (),
    _from_segments,
    ("segments",),
    also=_are_segments,
)
