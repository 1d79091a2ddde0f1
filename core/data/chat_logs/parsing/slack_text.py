"""Slack's markup (`<@U1>`, `<https://…|label>`, `&amp;`) -> the text as displayed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from core.data.chat_logs.parsing.json_values import items, text, thing

_MARK = re.compile(r"<([^<>\n]{1,4000})>")
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))
_MAX_DEPTH = 20


def plain(written: str, names: Mapping[str, str]) -> str:
    """The text with mentions, channels and links as displayed.

    Args:
        names: user id -> name.
    """
    shown = _MARK.sub(lambda match: _mark(match.group(1), names), written)
    for entity, character in _ENTITIES:
        shown = shown.replace(entity, character)
    return shown


def of_blocks(message: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """The text of a message from an app, which has only blocks or attachments."""
    found = _walk([*items(message.get("blocks"))], 0)
    if not found:
        for part in items(message.get("attachments")):
            one = thing(part)
            found += [text(one.get(key)) for key in ("pretext", "title", "text") if text(one.get(key))] or (
                [text(one.get("fallback"))] if text(one.get("fallback")) else []
            )
    return plain("\n".join(found), names)


def _mark(inside: str, names: Mapping[str, str]) -> str:
    target, _, label = inside.partition("|")
    if target[:1] == "@":
        return f"@{names.get(target[1:]) or label or target[1:]}"
    if target[:1] == "#":
        return f"#{label or target[1:]}"
    if target[:1] == "!":
        return label or f"@{target[1:].partition('^')[0]}"
    if target.startswith("mailto:"):
        return label or target.removeprefix("mailto:")
    if not re.match(r"[a-z][a-z0-9+.-]{1,20}:", target, re.IGNORECASE):
        return f"<{inside}>"  # not markup: angle brackets in the text
    return f"{label} ({target})" if label and label not in target else target


def _walk(parts: list[Any], depth: int) -> list[str]:
    """The texts of nested blocks, line by line."""
    lines: list[str] = []
    if depth > _MAX_DEPTH:
        return lines
    for part in parts:
        block = thing(part)
        kind, inner = text(block.get("type")), block.get("text")
        if kind == "rich_text_section":
            lines.append("".join(_inline(thing(item)) for item in items(block.get("elements"))))
        elif isinstance(inner, str):
            lines.append(inner)
        elif isinstance(inner, dict):
            lines.append(text(inner.get("text")))
        else:
            lines += _walk([*items(block.get("elements")), *items(block.get("fields"))], depth + 1)
    return [line for line in lines if line.strip()]


def _inline(item: Mapping[str, Any]) -> str:
    kind = text(item.get("type"))
    if kind == "user":
        return f"<@{text(item.get('user_id'))}>"
    if kind == "link":
        return text(item.get("text")) or text(item.get("url"))
    if kind == "emoji":
        return f":{text(item.get('name'))}:"
    return text(item.get("text"))
