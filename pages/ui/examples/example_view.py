"""A labeled example as a card: roles, verbatim texts, tool calls, weights, and highlighted spans."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import streamlit as st

from core.messages import Message, Tools
from pages.ui import components
from pages.ui.escaping import escaped, visible
from pages.ui.format import md, plural, short

_ROLE = {
    "system": ("CONTEXT", "gray"),
    "user": ("INPUT", "gray"),
    "assistant": ("OUTPUT", "blue"),
    "tool": ("TOOL RESULT", "gray"),
}
_TOOLS = 6  # named on a card
_MANY = 6  # a conversation with at least this many messages is folded in the middle
LIMIT = 1_200
Spans = Sequence[tuple[int, int, int]]  # message, first character, end


@contextmanager
def card(
    messages: Sequence[Message],
    *,
    key: str,
    note: str = "",
    badge: str = "",
    limit: int = LIMIT,
    spans: Spans = (),
    tools: Tools = (),
    rejected: Sequence[Message] = (),
    border: bool = True,
) -> Iterator[None]:
    """A labeled example as a card; the body of the `with` is drawn at the right of its header."""
    with st.container(border=border, gap="xsmall", key=f"example_{key}"):
        with components.spread(gap="xsmall"):
            st.caption(note, width="content")
            with st.container(horizontal=True, vertical_alignment="center", width="content", gap="xsmall"):
                if badge:
                    st.markdown(f":small[{badge}]", width="content")
                yield
        declared(tools, key=key)
        conversation(messages, key=key, limit=limit, spans=spans)
        for message in rejected:
            one(message, limit, label=("REJECTED OUTPUT", "red") if message.role == "assistant" else None)


def show(messages: Sequence[Message], *, key: str, note: str = "", badge: str = "", limit: int = LIMIT) -> None:
    """A labeled example as a card without actions."""
    if note or badge:
        with card(messages, key=key, note=note, badge=badge, limit=limit):
            return
    with st.container(border=True, gap="xsmall", key=f"example_{key}"):
        conversation(messages, key=key, limit=limit)


def conversation(messages: Sequence[Message], *, key: str, limit: int = LIMIT, spans: Spans = ()) -> None:
    """The messages with their roles. The middle of a long conversation is folded unless a span in it is marked."""
    marked = {index for index, _, _ in spans}
    middle = range(2, len(messages) - 2)
    fold = len(messages) >= _MANY and not marked & set(middle)
    for index, message in enumerate(messages):
        if fold and index == middle.start:
            with st.expander(plural(len(middle), "more message"), key=f"fold_{key}", on_change="rerun") as folded:
                if folded.open:
                    for inner in middle:
                        one(messages[inner], limit)
        if not fold or index not in middle:
            one(message, limit, [(start, end) for where, start, end in spans if where == index])


def declared(tools: Tools, *, key: str) -> None:
    """The names of the tools that the assistant may call, and on request their schemas."""
    if not tools:
        return
    names = " ".join(components.badge_md(md(tool_name(tool), 40), "gray", "build") for tool in tools[:_TOOLS])
    more = f" :gray[and {len(tools) - _TOOLS:,} more]" if len(tools) > _TOOLS else ""
    st.markdown(f":small[:gray[TOOLS] {names}{more}]")
    with st.expander(plural(len(tools), "schema"), key=f"tools_{key}", on_change="rerun") as schemas:
        if schemas.open:
            for tool in tools:
                st.code(json.dumps(tool.get("function", tool), ensure_ascii=False, indent=2), language="json")


def tool_name(tool: Mapping[str, Any]) -> str:
    """The name of a tool's function; `?` where it has none."""
    function = tool.get("function")
    return str(function.get("name", "?")) if isinstance(function, Mapping) else "?"


def one(
    message: Message,
    limit: int = LIMIT,
    marks: Sequence[tuple[int, int]] = (),
    label: tuple[str, str] | None = None,
) -> None:
    """One message; `label` is a word and a color instead of those of its role."""
    word, color = label or _ROLE.get(message.role, (md(message.role.upper()), "gray"))
    quiet = " :orange-badge[weight 0]" if message.weight == 0 else ""
    st.markdown(f":small[:{color}[{word}]{quiet}]")
    if marks:
        st.html(f'<div class="shown" dir="auto">{marked(message.content, marks, limit)}</div>')
    elif message.content or not message.tool_calls:
        st.text(short(visible(message.content), limit) or "(empty)")
    for call in message.tool_calls:
        st.code(call_text(call), language=None, wrap_lines=True)


def call_text(call: Mapping[str, Any]) -> str:
    """A tool call as `name(arguments)`."""
    function = call.get("function")
    if not isinstance(function, Mapping):
        return json.dumps(dict(call), ensure_ascii=False)
    return f"{function.get('name', '?')}({function.get('arguments', '')})"


def marked(text: str, marks: Sequence[tuple[int, int]], limit: int = LIMIT) -> str:
    """The text as escaped HTML with highlighted spans, cut to `limit` characters around the first of them."""
    spans = sorted((max(0, start), min(len(text), end)) for start, end in marks)
    spans = [(start, end) for start, end in spans if start < end]
    start = 0
    if spans and spans[0][0] > limit // 2:
        start = spans[0][0] - limit // 4
    stop = min(len(text), start + limit)
    out, at = ["…" if start else ""], start
    for first, last in spans:
        first, last = max(first, at), min(last, stop)
        if first >= last:
            continue
        out.append(f"{escaped(text[at:first])}<mark>{escaped(text[first:last])}</mark>")
        at = last
    out.append(escaped(text[at:stop]) + ("…" if stop < len(text) else ""))
    return "".join(out)
