"""Conversations written as one text: with the marks of a chat template, or with the speakers' names."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from core.data.conversion.chat_shapes.base import ChatShape
from core.data.conversion.chat_shapes.reading.tools import tools_of
from core.data.conversion.chat_shapes.reading.turns import REFUSE, Chat, speaker
from core.data.conversion.chat_shapes.reading.values import lowered

# Blocks with a role and a text: how one begins, and what may end it before the next one. Source: the chat templates of
# these models.
_CHATML = re.compile(r"<\|im_start\|>\s*(\w+)\n")
_LLAMA = re.compile(r"<\|start_header_id\|>(\w+)<\|end_header_id\|>")
_GEMMA = re.compile(r"<start_of_turn>(\w+)\n")
_ZEPHYR = re.compile(r"<\|(system|user|assistant)\|>")  # and Phi
_BLOCKS: Final = (
    (_CHATML, ("<|im_end|>",)),
    (_LLAMA, ("<|eot_id|>", "<|end_of_text|>")),
    (_GEMMA, ("<end_of_turn>",)),
    (_ZEPHYR, ("<|end|>", "</s>")),
)
# Names in front of the texts: Alpaca and Guanaco ("### Human:"), HH ("\n\nHuman:"), Glaive ("USER:").
_HASHES = re.compile(r"###\s*(Human|User|Assistant|System|Instruction|Input|Response|Question|Answer)\s*:\s*")
_PARAGRAPHS = re.compile(r"(?:^|\n\n)(Human|Assistant|System):\s*")
_LINES = re.compile(r"(?:^|\n)(SYSTEM|USER|ASSISTANT|FUNCTION RESPONSE|System|User|Assistant|Human|Bot)\s*:\s*")
_LABELS: Final = (_HASHES, _PARAGRAPHS, _LINES)
_MARKS = re.compile(r"<\|\w+\|>|\[INST\]|<start_of_turn>")
_ENDS = re.compile(r"<\|endoftext\|>|</s>|<s>|<\|end_of_text\|>|<\|begin_of_text\|>|<bos>|<eos>")
_CALL: Final = "<functioncall>"  # Glaive


def transcript(text: Any) -> list[dict[str, Any]] | None:
    """The turns of a text, or None if it is not a conversation with at least an input and an output."""
    if not isinstance(text, str):
        return None
    turns = _blocks(text) or _instructions(text) or _labeled(text)
    roles = [speaker(turn["role"]) for turn in turns]
    return turns if "assistant" in roles and "user" in roles else None


def _blocks(text: str) -> list[dict[str, Any]]:
    for begin, ends in _BLOCKS:
        marks = list(begin.finditer(text))
        if not marks:
            continue
        edges = [*(mark.start() for mark in marks[1:]), len(text)]
        turns = [
            {"role": mark.group(1), "content": _before(text[mark.end() : edge], ends)}
            for mark, edge in zip(marks, edges, strict=True)
        ]
        return [turn for turn in turns if turn["content"]]
    return []


def _before(text: str, ends: Sequence[str]) -> str:
    """The text before the first of these marks."""
    for end in ends:
        text = text.partition(end)[0]
    return text.strip()


def _instructions(text: str) -> list[dict[str, Any]]:
    turns: list[dict[str, Any]] = []
    for block in text.split("[INST]")[1:]:
        asked, closed, answer = block.partition("[/INST]")
        if not closed:
            continue
        lead, opened, rest = asked.partition("<<SYS>>")
        system, ended, behind = rest.partition("<</SYS>>")
        if opened and ended:
            turns.append({"role": "system", "content": system.strip()})
            asked = lead + behind
        turns.append({"role": "user", "content": asked.strip()})
        if answer := _before(answer, ("</s>", "<s>")):
            turns.append({"role": "assistant", "content": answer})
    return turns


def _labeled(text: str) -> list[dict[str, Any]]:
    for pattern in _LABELS:
        marks = list(pattern.finditer(text))
        if len(marks) < 2:
            continue
        turns: list[dict[str, Any]] = []
        before = text[: marks[0].start()].strip()
        if before:
            turns.append({"role": "system", "content": before})
        for mark, after in zip(marks, [*marks[1:], None], strict=True):
            content = _ENDS.sub("", text[mark.end() : after.start() if after else len(text)]).strip()
            role = _ROLES.get(mark.group(1).lower(), mark.group(1).lower())
            if role == "user" and turns and turns[-1]["role"] == "user" and mark.group(1) == "Input":
                turns[-1]["content"] += f"\n{content}" if content else ""
            elif content:
                turns.append({"role": role, "content": content})
        return turns
    return []


_ROLES: Final = {
    "human": "user",
    "instruction": "user",
    "input": "user",
    "question": "user",
    "response": "assistant",
    "answer": "assistant",
    "bot": "assistant",
    "function response": "tool",
}


# ---- one text per row


def _is_transcript(lower: Mapping[str, Any]) -> bool:
    return transcript(lower["text"]) is not None


def _from_text(fields: Mapping[str, Any]) -> object:
    text = lowered(fields).get("text")
    turns = transcript(text)
    if turns is None:
        return text
    chat = Chat()
    chat.add_all(turns)
    if _MARKS.search(str(text)):
        chat.notes["template_tokens"] = None
    return chat.shaped()


TRANSCRIPT_SHAPE = ChatShape(
    "transcript",
    "Conversation in one text",
    "texts with the marks of a chat template (ChatML, Llama, Gemma, Mistral) or names (### Human:, ### Instruction:)",
    ("text",),
    (),
    _from_text,
    also=_is_transcript,
)


# ---- Glaive: a system text with schemas, and a chat with calls


def _is_glaive(lower: Mapping[str, Any]) -> bool:
    return transcript(lower["chat"]) is not None


def _from_glaive(fields: Mapping[str, Any], images: str = REFUSE) -> object:
    lower = lowered(fields)
    turns = transcript(lower.get("chat"))
    if turns is None:
        return lower.get("chat")
    chat = Chat(images)
    lead, schemas = _with_schemas(str(lower.get("system") or ""))
    chat.system(lead)
    for turn in turns:
        said, tag, called = turn["content"].partition(_CALL)
        last = called.rfind("}") + 1
        if turn["role"] == "assistant" and tag and last and called.lstrip().startswith("{"):
            if said.strip():
                chat.add({"role": "assistant", "content": said.strip()})
            chat.add({"role": "function_call", "content": called[:last].strip()})
        else:
            chat.add(turn)
    return chat.shaped(tools_of(schemas))


def _with_schemas(system: str) -> tuple[str, list[Any]]:
    """The system text in front of the schemas that are written in it, one JSON object after another, and these."""
    text = re.sub(r"^SYSTEM:\s*", "", system.strip())
    found: list[Any] = []
    at = text.find("{")
    lead = text if at < 0 else text[:at]
    while at >= 0:
        try:
            schema, end = json.JSONDecoder().raw_decode(text, at)
        except (ValueError, RecursionError):
            return text, []
        found.append(schema)
        at = text.find("{", end)
    return (lead.rstrip(" -\n") if found else text), found


# Source: glaiveai/glaive-function-calling-v2
GLAIVE_SHAPE = ChatShape(
    "glaive",
    "Glaive function calling",
    "glaive-function-calling: a chat with USER:, ASSISTANT: and function calls",
    ("chat",),
    ("system",),
    _from_glaive,
    also=_is_glaive,
)
