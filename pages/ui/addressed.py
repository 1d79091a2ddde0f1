"""Choices that are in the address: a link, a reload and the browser's Back show them again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn, TypeVar

import streamlit as st

K = TypeVar("K", bound=str)
LONGEST: Final = 1_000  # characters of a text in an address


def follow(param: str, key: str) -> str | None:
    """The value of a query parameter if the address was changed by something else than the widget with this key: a
    link, Back, another screen. None if the widget's own value is newer."""
    asked = st.query_params.get(param, "")
    slot = f"_address_of_{key}"
    if st.session_state.get(slot) == asked and key in st.session_state:
        return None
    st.session_state[slot] = asked
    return asked


def note(param: str, key: str, value: str, default: str = "") -> None:
    """Write a widget's value into the address. Each write is a step of the browser's history, so that the default is
    written only in place of something else."""
    asked = st.query_params.get(param, "")
    if value == (asked or default):
        return
    st.query_params[param] = value
    st.session_state[f"_address_of_{key}"] = value


def go(query: Mapping[str, str]) -> NoReturn:
    """Show this screen with other parameters, as one step of the browser's history."""
    st.query_params.from_dict(query)
    st.rerun()


def pick(label: str, titles: Mapping[str, str], param: str, key: str, default: str, **options: Any) -> str:
    """A list of titles whose choice is in the address; `default` is chosen where the address has none."""
    asked = follow(param, key)
    if asked is not None or st.session_state.get(key) not in titles:
        st.session_state[key] = asked if asked in titles else default
    chosen: str = st.selectbox(label, list(titles), format_func=titles.__getitem__, key=key, **options)
    note(param, key, chosen, default)
    return chosen


def switch(label: str, titles: Mapping[K, str], param: str, key: str, default: K | None = None) -> K:
    """A row of buttons, of which `default` (else the first) is on where the address has none."""
    default = next(iter(titles)) if default is None else default
    asked = follow(param, key)
    if asked is not None or st.session_state.get(key) not in titles:
        st.session_state[key] = asked if asked in titles else default
    st.segmented_control(label, list(titles), format_func=titles.__getitem__, required=True, key=key)
    chosen: K = st.session_state[key]
    note(param, key, chosen, default)
    return chosen


def text(label: str, param: str, key: str, default: str = "", **options: Any) -> str:
    """A field for a text that is in the address where it is not the default, if it has at most LONGEST characters."""
    there = st.query_params.get(param)
    slot = f"_address_of_{key}"
    if key not in st.session_state or st.session_state.get(slot) != there:
        st.session_state[slot], st.session_state[key] = there, default if there is None else there
    typed: str = st.text_area(label, key=key, **options) or ""
    wanted = None if typed == default or len(typed) > LONGEST else typed
    if wanted is None:
        st.query_params.pop(param, None)
    elif wanted != there:
        st.query_params[param] = wanted
    st.session_state[slot] = wanted
    return typed


def slider(
    label: str, param: str, key: str, low: float, high: float, default: float, step: float, **options: Any
) -> float:
    """A slider whose value is in the address where it is not the default."""
    asked = follow(param, key)
    if asked is not None or key not in st.session_state:
        st.session_state[key] = _number(asked or "", low, high, default)
    value: float = st.slider(label, low, high, step=step, key=key, **options)
    note(param, key, f"{value:g}", f"{default:g}")
    return value


def _number(text: str, low: float, high: float, default: float) -> float:
    """The number in an address; the default for anything else."""
    try:
        found = type(default)(text)
    except ValueError:
        return default
    return found if low <= found <= high else default


def pick_many(
    label: str, titles: Mapping[str, str], param: str, key: str, default: Sequence[str], most: int, **options: Any
) -> list[str]:
    """Several titles whose choice is in the address, as one parameter for each."""
    asked = st.query_params.get_all(param)
    slot = f"_address_of_{key}"
    if st.session_state.get(slot) != asked or key not in st.session_state:
        known = [value for value in dict.fromkeys(asked) if value in titles][:most]
        st.session_state[slot], st.session_state[key] = asked, known or list(default)
    st.session_state[key] = [value for value in st.session_state[key] if value in titles]
    chosen: list[str] = st.multiselect(
        label, list(titles), format_func=titles.__getitem__, max_selections=most, wrap=True, key=key, **options
    )
    if chosen != (asked or list(default)):
        note_many(param, key, chosen)
    return chosen


def note_many(param: str, key: str, values: Sequence[str]) -> None:
    """Write several values into the address, as one step of the browser's history."""
    st.query_params[param] = st.session_state[f"_address_of_{key}"] = list(values)
