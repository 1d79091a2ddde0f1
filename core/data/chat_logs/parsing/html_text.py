"""HTML of messages -> their text, with line breaks where blocks end."""

from __future__ import annotations

import html
import re

_BLOCKS = frozenset({"p", "div", "br", "li", "tr", "ul", "ol", "table", "blockquote", "pre", "h1", "h2", "h3", "h4"})
_UNSEEN = frozenset({"style", "script", "head", "title"})
_TAG = re.compile(r"<!--[^<>]*-->|<(/?)([a-zA-Z][a-zA-Z0-9]*+)[^<>]*+>")
_MARKUP = re.compile(r"</?[a-zA-Z][^<>]*>|&[a-zA-Z#0-9]{2,8};")


def html_text(written: str) -> str:
    """The text of a message; one without markup is unchanged."""
    if not _MARKUP.search(written):
        return written
    parts: list[str] = []
    at = hidden = 0
    for tag in _TAG.finditer(written):
        if not hidden:
            parts.append(written[at : tag.start()].replace("\n", " "))
        at = tag.end()
        name = (tag[2] or "").lower()
        if name in _UNSEEN:
            hidden = max(hidden - 1, 0) if tag[1] else hidden + 1
        elif name in _BLOCKS and not (name == "br" and tag[1]):
            parts.append("\n- " if name == "li" and not tag[1] else "\n")
    if not hidden:
        parts.append(written[at:].replace("\n", " "))
    lines = [re.sub(r"[ \t\r\f\v\xa0]+", " ", line).strip() for line in html.unescape("".join(parts)).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
