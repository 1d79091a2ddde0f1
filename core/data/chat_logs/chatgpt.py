"""ChatGPT's data export: `conversations.json`, each conversation a tree with one path that was shown last."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

from core.data.chat_logs.base import AppExport, Conversation, Left, Turn
from core.data.chat_logs.parsing.bundle import Bundle
from core.data.chat_logs.parsing.json_values import Object, items, raw, text, thing, word
from core.data.chat_logs.parsing.times import parse

# Marks around the citations in an answer: private-use characters that are never typed.
_CITATION = re.compile("\ue200[^\ue200\ue201]{0,2000}\ue201|【\\d+†[^】]{0,200}】|[\ue200-\ue206]")
_HIDDEN = frozenset({"user_editable_context", "model_editable_context", "app_pairing_content"})
_TOOL = frozenset(
    {"execution_output", "tether_browsing_display", "tether_quote", "system_error", "computer_output", "sonic_webpage"}
)
_REASONING = frozenset({"thoughts", "reasoning_recap"})
_NAMES = {"user": "You", "assistant": "ChatGPT", "system": "System", "tool": "Tools"}


class ChatGptLog(AppExport):
    """A ChatGPT export: the archive, or only its conversations.json."""

    id = "chatgpt"
    title = "ChatGPT export"
    text = (
        "In ChatGPT: Settings → Data controls → Export data. Use the zip from the email, or conversations.json. "
        "For each conversation, the path that was shown last is used."
    )

    file = re.compile(r"(?:.*/)?conversations(?:[-_]\d+)?\.json", re.IGNORECASE)
    people = MappingProxyType({role: (name, role) for role, name in _NAMES.items()})
    rows_are = ("mapping", dict)

    def is_single(self, bundle: Bundle, name: str) -> bool:
        return bundle.head(name, 256).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{"

    def conversation(self, fields: Object, place: str, line: int) -> Iterator[Conversation | Left]:
        return _conversation(fields, place, line)


def _conversation(fields: Object, place: str, line: int) -> Iterator[Conversation | Left]:
    nodes: Object = fields["mapping"]
    key = word(fields.get("conversation_id")) or word(fields.get("id")) or f"line-{line}"
    turns: list[Turn] = []
    path = _path(nodes, word(fields.get("current_node")))
    for node_id in path:
        message = thing(nodes[node_id]).get("message")
        if message is None:  # the root, and empty nodes
            continue
        made = _turn(message, line)
        if isinstance(made, Turn):
            turns.append(made)
        else:
            yield Left(made, raw(message), place, line, key)
    on_path = set(path)
    for node_id, node in nodes.items():
        message = thing(node).get("message")
        if node_id not in on_path and message is not None:
            reason = "other_branch" if isinstance(made := _turn(message, line), Turn) else made
            yield Left(reason, raw(message), place, line, key)
        elif node is not None and not isinstance(node, dict):
            yield Left("not_a_message", raw(node), place, line, key)
    yield Conversation(key, text(fields.get("title"))[:200], tuple(turns), place)


def _path(nodes: Object, current: str) -> list[str]:
    """The nodes from the root to the one shown last; a cycle or a missing parent ends the path."""
    node_id = current if current in nodes else _newest_leaf(nodes)
    path: list[str] = []
    visited: set[str] = set()
    while node_id in nodes and node_id not in visited:
        visited.add(node_id)
        path.append(node_id)
        node_id = word(thing(nodes[node_id]).get("parent"))
    return path[::-1]


def _newest_leaf(nodes: Object) -> str:
    """The last message if the export does not name it: the leaf with the latest time, else the last one in the file."""
    parents = {word(thing(node).get("parent")) for node in nodes.values()}
    leaves = [key for key in nodes if key not in parents] or list(nodes)
    best, latest = "", -1.0
    for key in leaves:
        at = parse(thing(thing(nodes[key]).get("message")).get("create_time"))
        if at is None:
            at = 0.0
        if at >= latest:
            best, latest = key, at
    return best


def _turn(message: Any, line: int) -> Turn | str:
    """The message as a turn, or the reason why it is left out."""
    if not isinstance(message, dict):
        return "not_a_message"
    role = text(thing(message.get("author")).get("role"))
    content, metadata = thing(message.get("content")), thing(message.get("metadata"))
    kind = text(content.get("content_type"))
    if not role:
        return "no_speaker"
    if kind in _HIDDEN or metadata.get("is_visually_hidden_from_conversation") or message.get("weight") == 0:
        return "hidden"
    if kind in _REASONING:
        return "reasoning"
    if role in ("tool", "function") or kind in _TOOL or text(message.get("recipient")) not in ("", "all"):
        return "tool"
    written, notes = _text(content, kind)
    if not written.strip():
        return "not_text" if notes else "hidden" if role == "system" else "empty"
    cited = _CITATION.sub("", written)
    if cited != written:
        notes.append("citation")
    if not cited.strip():
        return "empty"
    return Turn(role, cited, parse(message.get("create_time")), line, tuple(notes))


def _text(content: Object, kind: str) -> tuple[str, list[str]]:
    """The text of a message, and notes on its other parts."""
    if kind == "code":
        language = re.sub(r"[^\w+#-]", "", text(content.get("language")))
        code = text(content.get("text"))
        return (f"```{'' if language == 'unknown' else language}\n{code}\n```" if code.strip() else ""), []
    parts, notes = [text(content.get("text"))], []
    for part in items(content.get("parts")):
        if isinstance(part, str):
            parts.append(part)
            continue
        shape = text(thing(part).get("content_type"))
        if shape == "audio_transcription" or (shape in ("text", "") and text(thing(part).get("text"))):
            parts.append(text(thing(part).get("text")))
        elif "image" in shape:
            notes.append("picture")
        elif "audio" in shape or "video" in shape:
            notes.append("sound")
        elif part is not None:
            notes.append("other_part")
    return "\n".join(part for part in parts if part), notes
