"""The editor of what an example has beside its messages: tools, and the rejected answer of a preference pair."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.messages import Example, Message
from core.services.data.datasets import ExampleRecord
from core.services.data.datasets.operations import message_dicts
from pages.ui.format import sentence

Changed = dict[str, dict[int, tuple[dict[str, Any], ...]]]  # values of an EditRows: the name, then the position


@dataclass(frozen=True, slots=True)
class Beside:
    """What an example has beside its messages."""

    tools: tuple[dict[str, Any], ...]
    rejected: tuple[dict[str, Any], ...]


def editor(item: ExampleRecord) -> Changed | None:
    """Draw the editor of an example and return what was changed; None while the tools are not valid JSON."""
    example, position = item.example, item.position
    given = fields(example, str(position))
    if given is None:
        return None
    changed: Changed = {}
    if given.tools != tuple(example.tools):
        changed["tools"] = {position: given.tools}
    if given.rejected != message_dicts(example.rejected):
        changed["rejected"] = {position: given.rejected}
    return changed


def fields(example: Example, name: str) -> Beside | None:
    """Draw both fields, their keys ending in `name`, and return what they say; None while the tools are not JSON."""
    both = [word for word, there in (("tools", example.tools), ("rejected answer", example.rejected)) if there]
    title = " and ".join(both).capitalize() if both else "Tools, rejected answer"
    with st.expander(title, icon=":material/build:", expanded=bool(both), key=f"beside_{name}"):
        written = st.text_area(
            "Tools (JSON)",
            value=json.dumps(list(example.tools), ensure_ascii=False, indent=1) if example.tools else "",
            placeholder='[{"type": "function", "function": {"name": "…", "parameters": {…}}}]',
            help="The functions that the assistant may call, as schemas. Clear the field to remove them.",
            height="content",
            key=f"edit_tools_{name}",
        )
        worse = st.text_area(
            "Rejected answer",
            value=text_of(example.rejected),
            placeholder="A worse answer to the same input",
            help="Of a preference pair: kept beside the output and exported as DPO JSONL. It is not trained on.",
            height="content",
            key=f"edit_rejected_{name}",
        )
    try:
        tools = json.loads(written) if written.strip() else []
    except ValueError as error:
        st.markdown(f":red[{sentence(f'The tools are not valid JSON: {error}')}] Fix them, or clear the field.")
        return None
    if not isinstance(tools, list) or not all(isinstance(tool, dict) for tool in tools):
        st.markdown(":red[The tools are not a list of objects.] Put them into square brackets.")
        return None
    return Beside(tuple(tools), rewritten(example.rejected, worse))


def text_of(rejected: tuple[Message, ...]) -> str:
    """The last text of a rejected answer."""
    return rejected[-1].content if rejected else ""


def rewritten(rejected: tuple[Message, ...], text: str) -> tuple[dict[str, Any], ...]:
    """The rejected answer with another last text; none where that is blank."""
    if not text.strip():
        return ()
    last: Mapping[str, Any] = rejected[-1].to_dict() if rejected else {"role": "assistant"}
    return (*message_dicts(rejected[:-1]), {**last, "content": text})
