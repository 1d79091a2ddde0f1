"""An editor for one conversation: roles, texts, tool calls, and whether the model learns an output."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.errors import DataError
from core.messages import ROLES
from pages.ui import components
from pages.ui.format import md_code, sentence

_WORDS = {"system": "Context", "user": "Input", "assistant": "Output", "tool": "Tool result"}
_NEXT = {"system": "user", "user": "assistant", "assistant": "user", "tool": "assistant"}
EMPTY: tuple[Mapping[str, Any], ...] = ({"role": "user", "content": ""}, {"role": "assistant", "content": ""})


def begin(key: str, messages: Sequence[Mapping[str, Any]] = EMPTY) -> None:
    """Load messages into the editor `key`, replacing its contents."""
    st.session_state[key] = [{**message, "_id": index} for index, message in enumerate(messages)]
    st.session_state[f"{key}_next"] = len(messages)
    st.session_state[f"{key}_round"] = st.session_state.get(f"{key}_round", 0) + 1


def editor(key: str) -> list[dict[str, Any]] | None:
    """Draw the editor and return its messages in the chat format; None while tool calls are not valid JSON."""
    held: list[dict[str, Any]] = st.session_state[key]
    prefix = f"{key}_{st.session_state[f'{key}_round']}"
    try:
        out = [
            _message(message, index, len(held), key, f"{prefix}_{message['_id']}") for index, message in enumerate(held)
        ]
    except DataError as error:
        st.markdown(f":red[{sentence(error.message)}] {sentence(error.remedy)}")
        return None
    following = _NEXT[out[-1]["role"]] if out else "user"
    with st.container(horizontal=True, gap="xsmall"):
        if st.button(f"Add {_WORDS[following].lower()}", icon=":material/add:", key=f"{prefix}_add"):
            _insert(key, len(held), following)
        if not any(message["role"] == "system" for message in out) and st.button(
            "Add context", icon=":material/add:", type="tertiary", key=f"{prefix}_add_system"
        ):
            _insert(key, 0, "system")
    return out


def _message(message: dict[str, Any], index: int, total: int, key: str, name: str) -> dict[str, Any]:
    out = {field: value for field, value in message.items() if field != "_id"}
    with st.container(border=True, gap="xsmall", key=f"{name}_box"):
        with components.spread():
            out["role"] = st.selectbox(
                "Role",
                ROLES,
                index=ROLES.index(message["role"]) if message["role"] in ROLES else 1,
                format_func=_WORDS.__getitem__,
                label_visibility="collapsed",
                width=150,
                key=f"{name}_role",
            )
            if out["role"] == "assistant":
                learn = st.toggle(
                    "Train on it",
                    value=message.get("weight") != 0,
                    help="Off: the model reads this output as context and is not trained to write it (weight 0).",
                    key=f"{name}_weight",
                )
                _weigh(out, learn)
            else:
                out.pop("weight", None)
            if total > 1 and st.button(
                "", icon=":material/delete:", type="tertiary", help="Remove this message", key=f"{name}_remove"
            ):
                held = st.session_state[key]
                st.session_state[key] = [item for item in held if item["_id"] != message["_id"]]
                st.rerun(scope="fragment")
        out["content"] = st.text_area(
            f"{_WORDS[out['role']]} {index + 1}",
            value=message.get("content") or "",
            label_visibility="collapsed",
            placeholder="What the user writes" if out["role"] == "user" else "Text",
            height="content",
            key=f"{name}_content",
        )
        if message.get("tool_calls"):
            _tool_calls(out, message, name)
        if message.get("tool_call_id"):
            st.caption(f"Answers the call {md_code(str(message['tool_call_id'])[:60])}")
    return out


def _weigh(out: dict[str, Any], learn: bool) -> None:
    if not learn:
        out["weight"] = 0
    elif out.get("weight") == 0:
        out.pop("weight")


def _tool_calls(out: dict[str, Any], message: Mapping[str, Any], name: str) -> None:
    written = st.text_area(
        "Tool calls (JSON)",
        value=json.dumps(list(message["tool_calls"]), ensure_ascii=False, indent=1),
        height="content",
        key=f"{name}_calls",
    )
    try:
        calls = json.loads(written) if written.strip() else []
    except ValueError as error:
        raise DataError(
            f"The tool calls are not valid JSON: {error}.", "Fix them, or clear the field to remove them."
        ) from error
    out["tool_calls"] = calls
    if not calls:
        out.pop("tool_calls")


def _insert(key: str, at: int, role: str) -> None:
    held = st.session_state[key]
    fresh = {"role": role, "content": "", "_id": st.session_state[f"{key}_next"]}
    st.session_state[f"{key}_next"] += 1
    st.session_state[key] = [*held[:at], fresh, *held[at:]]
    st.rerun(scope="fragment")
