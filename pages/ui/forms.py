"""Widgets generated from the fields of a typed config, which defines bounds, title and help once.

A field may carry `json_schema_extra` with `unit`, `usual`, `up` (what happens when it goes up), `source` (where the
default comes from), `note` (always shown below the field) with `usual_range` or `usual_times` (of another field),
`options` (for text fields and lists), `open` (a list whose entries may also be typed), `labels` (words for choices),
`widget` ("slider", "number", "area", or "lines": one text a line) or `multiline`, and `when` ({field: [values]}: drawn
only while that other field has one of these values).
"""

from __future__ import annotations

import math
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin

import streamlit as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from streamlit.delta_generator import DeltaGenerator

from pages.ui.format import format_setting, number

_ABOVE = 1e-9  # added to an exclusive lower bound to get the smallest allowed number
SLIDER_SPAN = 100  # an integer range up to this size is drawn as a slider


def form_fields(
    model_cls: type[BaseModel],
    values: Mapping[str, Any],
    key: str,
    only: Iterable[str] | None = None,
    *,
    resolved: Mapping[str, Any] | None = None,
    choices: Mapping[str, Sequence[Any]] | None = None,
    columns: int = 2,
    slots: dict[str, DeltaGenerator] | None = None,
    notes: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Draw one widget per field and return the current values.

    Args:
        values: the choices so far; a missing field shows its default.
        key: prefix of the widgets' keys, one per form on the page.
        only: the fields to draw, in this order; None draws all.
        resolved: the number that each "auto" resolves to, shown beside it.
        choices: for fields whose allowed values only the page knows (a column's name); None among them is "none".
        columns: widgets side by side on a wide screen.
        slots: filled with a placeholder under each field, for an error message.
        notes: a line of markdown below a field, by its name.
    """
    names = list(only) if only is not None else list(model_cls.model_fields)
    out: dict[str, Any] = {}
    with st.grid(columns, min_column_width=230, gap=("small", "medium")):
        for name in names:
            field = model_cls.model_fields[name]
            default = None if field.is_required() else field.get_default(call_default_factory=True)
            value = values.get(name, default)
            if not applies(field, {**values, **out}, model_cls):
                out[name] = value
                continue
            # a switch is lower than a field with a label above it: center it
            is_switch = bool in _kinds(field.annotation)[0]
            with st.container(gap="xxsmall", height="stretch", vertical_alignment="center" if is_switch else "top"):
                widget_key = f"{key}_{name}"
                if choices and name in choices:
                    out[name] = _chosen(field, name, value, widget_key, list(choices[name]))
                else:
                    out[name] = _widget(field, name, value, widget_key, (resolved or {}).get(name))
                _note(field, out[name], {**values, **out})
                if notes and notes.get(name):
                    st.caption(notes[name])
                if slots is not None:
                    slots[name] = st.empty()
    return out


def applies(field: FieldInfo, values: Mapping[str, Any], model_cls: type[BaseModel]) -> bool:
    """Whether the field has an effect, given the values of the others."""
    return all(
        values.get(other, model_cls.model_fields[other].get_default(call_default_factory=True)) in allowed
        for other, allowed in (_extra(field).get("when") or {}).items()
    )


def _note(field: FieldInfo, value: Any, values: Mapping[str, Any]) -> None:
    """The usual range of a field and the reason for its default, in orange where the value is outside of that range."""
    extra = _extra(field)
    note = str(extra.get("note") or "")
    if not note:
        return
    low, high = extra.get("usual_range") or (-math.inf, math.inf)
    times = ""
    for other, (least, most) in (extra.get("usual_times") or {}).items():
        if base := values.get(other):
            low, high = least * base, most * base
            times = f" · now {number(value / base)} × {number(base)}"
    if isinstance(value, int | float) and not low <= value <= high:
        st.caption(f":orange[:material/warning: {note}{times}]")
    else:
        st.caption(note)


def _chosen(field: FieldInfo, name: str, value: Any, key: str, options: list[Any]) -> Any:
    return st.selectbox(
        label(field, name),
        options,
        index=options.index(value) if value in options else 0,
        format_func=lambda choice: "None" if choice is None else str(choice),
        key=key,
        help=help_text(field) or None,
    )


def help_text(field: FieldInfo) -> str:
    """What the field does, its usual range, the effect of a higher value, and the source of the default."""
    extra = _extra(field)
    parts = [str(field.description or "").strip()]
    if extra.get("usual"):
        parts.append(f"**Usual:** {extra['usual']}")
    if extra.get("up"):
        parts.append(f"**Higher:** {extra['up']}")
    default = field.get_default(call_default_factory=True)
    if extra.get("source"):
        shown = f"{_plain(default)}, from " if default is not None and not field.is_required() else ""
        parts.append(f"**Default:** {shown}{extra['source']}")
    return "\n\n".join(part for part in parts if part)


def label(field: FieldInfo, name: str) -> str:
    """The field's title with its unit."""
    title = field.title or name.replace("_", " ").capitalize()
    unit = _extra(field).get("unit")
    return f"{title} ({unit})" if unit else title


def value_text(field: FieldInfo, raw: Any) -> str:
    """The value of a field in the words of its form: `All linear layers`, `off`, `0.002`."""
    return str((_extra(field).get("labels") or {}).get(str(raw)) or format_setting(raw))


def _widget(field: FieldInfo, name: str, value: Any, key: str, resolved: Any) -> Any:
    kinds, choices = _kinds(field.annotation)
    common: dict[str, Any] = {"key": key, "help": help_text(field) or None}
    title, extra = label(field, name), _extra(field)
    if "auto" in choices and (int in kinds or float in kinds):
        return _auto_number(field, title, value, common, resolved, float in kinds)
    if choices:
        return st.selectbox(
            title,
            choices,
            index=choices.index(value) if value in choices else 0,
            format_func=lambda choice: _words(choice, extra),
            **common,
        )
    if bool in kinds:
        return st.toggle(title, value=bool(value), **common)
    if float in kinds or int in kinds:
        return _number(field, title, value, common, float in kinds, none_ok=type(None) in kinds)
    if extra.get("widget") == "lines":
        lines = st.text_area(title, value="\n".join(value or []), placeholder="One per line", height=96, **common)
        return [line.strip() for line in lines.splitlines() if line.strip()]
    if list in kinds or tuple in kinds or set in kinds or frozenset in kinds:
        options = list(dict.fromkeys([*(extra.get("options") or ()), *(value or ())]))
        is_open = bool(extra.get("open"))
        chosen = st.multiselect(
            title,
            options,
            default=list(value or []),
            format_func=(lambda option: _words(option, extra)) if extra.get("labels") else str,
            placeholder=str(extra.get("placeholder", "")) or None,
            accept_new_options=is_open,
            **common,
        )
        return tuple(chosen) if tuple in kinds else chosen
    if extra.get("options"):
        options = list(extra["options"])
        index = options.index(value) if value in options else 0
        return st.selectbox(title, options, index=index, format_func=lambda choice: _words(choice, extra), **common)
    placeholder = str(extra.get("placeholder", "")) or None
    if extra.get("widget") == "area" or extra.get("multiline"):
        return st.text_area(title, value=value or "", placeholder=placeholder, height=96, **common)
    written = st.text_input(title, value=value or "", placeholder=placeholder, **common)
    return None if type(None) in kinds and not written else written


def _number(
    field: FieldInfo, title: str, value: Any, common: dict[str, Any], is_float: bool, none_ok: bool = False
) -> Any:
    low, high, step = bounds(field, is_float)
    kind = float if is_float else int
    current = kind(value) if value is not None else None
    if current is not None:  # a draft may hold a value from before the bounds changed
        current = current if low is None else max(current, low)
        current = current if high is None else min(current, high)
    asked = _extra(field).get("widget")
    wants_slider = asked == "slider" or (not is_float and asked != "number")
    bounded = low is not None and high is not None and current is not None
    if bounded and wants_slider and (is_float or high - low <= SLIDER_SPAN):
        return st.slider(title, low, high, current, step=step, **common)
    style: dict[str, Any] = {"format": "%g"} if is_float else {}
    if current is None and not none_ok:
        current = low if low is not None else kind(0)
    if is_float and current and "step" not in _extra(field):
        step = _power_below(current)
    held = st.number_input(title, min_value=low, max_value=high, value=current, step=step, **style, **common)
    if allowed := allowed_words(low, high):  # hidden by studio.css until the typed number is out of bounds
        stays = "" if held is None else f" Keeping {number(held)} until then."
        with st.container(key=f"allowed_{common['key']}"):
            st.markdown(f":red[:small[:material/error: Allowed: {allowed}.{stays}]]")
    return held


def allowed_words(low: float | None, high: float | None) -> str:
    """The bounds of a number as text: `1 to 256`, `above 0, at most 0.1`; "" where there are none."""
    if low is None and high is None:
        return ""
    if high is None:
        return f"{number(low)} or more"
    if low is None:
        return f"at most {number(high)}"
    return f"above 0, at most {number(high)}" if low == _ABOVE else f"{number(low)} to {number(high)}"


def _auto_number(
    field: FieldInfo, title: str, value: Any, common: dict[str, Any], resolved: Any, is_float: bool
) -> Any:
    slot = st.container(gap=None)
    auto = st.checkbox(
        "Auto (recommended)",
        value=value == "auto",
        key=f"{common['key']}_auto",
        help="The studio picks the number for this dataset, base model and machine.",
    )
    if not auto:
        start = value if value != "auto" else resolved
        if start == "auto":
            start = None
        with slot:
            return _number(field, title, start, common, is_float)
    shown = "auto" if resolved in (None, "auto") else f"{number(resolved)}  ·  auto"
    slot.text_input(title, value=shown, key=f"{common['key']}_shown_{resolved}", disabled=True, help=common["help"])
    return "auto"


def bounds(field: FieldInfo, is_float: bool = False) -> tuple[Any, Any, Any]:
    """Minimum and maximum (None if unbounded) and a step, from the field's constraints."""
    low = high = step = None
    for item in _constraints(field):
        low = getattr(item, "ge", low) if getattr(item, "ge", None) is not None else low
        high = getattr(item, "le", high) if getattr(item, "le", None) is not None else high
        step = getattr(item, "multiple_of", step) if getattr(item, "multiple_of", None) is not None else step
        if getattr(item, "gt", None) is not None:
            low = item.gt + (_ABOVE if is_float else 1)
        if getattr(item, "lt", None) is not None:
            high = item.lt - (_ABOVE if is_float else 1)
    step = _extra(field).get("step", step)
    kind = float if is_float else int
    if step is None:
        step = _tiny(field) if is_float else 1
    return None if low is None else kind(low), None if high is None else kind(high), kind(step)


def _constraints(field: FieldInfo) -> Iterator[Any]:
    """The constraints of the field, and of each type in its annotation, such as a number or "auto"."""
    yield from field.metadata
    for part in get_args(field.annotation):
        for item in getattr(part, "__metadata__", ()):
            yield from item.metadata if isinstance(item, FieldInfo) else (item,)


def _tiny(field: FieldInfo) -> float:
    """A step as large as the first digit of the default: 0.0001 for 0.0002, 0.01 for 0.05."""
    default = field.get_default(call_default_factory=True)
    return _power_below(default) if isinstance(default, (int, float)) and default else 0.01


def _power_below(value: float) -> float:
    """The power of ten at or below a number, at most 0.1: 0.001 for 0.002."""
    return min(0.1, float(f"1e{math.floor(math.log10(abs(value)))}"))


def _kinds(annotation: Any) -> tuple[set[Any], list[Any]]:
    """The plain types in an annotation, and its literal choices."""
    origin = get_origin(annotation)
    if origin is Literal:
        return set(), list(get_args(annotation))
    if origin in (Union, types.UnionType):
        kinds: set[Any] = set()
        choices: list[Any] = []
        for part in get_args(annotation):
            more_kinds, more_choices = _kinds(part)
            kinds |= more_kinds
            choices += more_choices
        return kinds, choices
    if origin is not None and origin in (list, tuple, set, frozenset, Sequence):
        return {list if origin is Sequence else origin}, []
    if origin is not None:  # Annotated
        return _kinds(get_args(annotation)[0])
    return {annotation}, []


def _extra(field: FieldInfo) -> dict[str, Any]:
    return dict(field.json_schema_extra) if isinstance(field.json_schema_extra, dict) else {}


def _words(choice: Any, extra: Mapping[str, Any]) -> str:
    named = extra.get("labels")
    if isinstance(named, Mapping) and str(choice) in named:
        return str(named[str(choice)])
    return str(choice).replace("_", " ").capitalize() if isinstance(choice, str) else str(choice)


def _plain(value: Any) -> str:
    return number(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)
