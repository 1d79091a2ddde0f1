"""What a setting accepts, in a sentence, from pydantic's field; in place of pydantic's own wording of an error."""

from __future__ import annotations

from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

_OWN: Final = "Value error, "
_KINDS: Final = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


def problem(error: ValidationError, fields: Mapping[str, FieldInfo], *, and_value: bool = True) -> str:
    """What is wrong with the first wrong setting, to follow its name: `must be a number above 0 and at most 0.1, or
    auto; got 3`. Without `and_value` the value is left to the caller."""
    first = error.errors()[0]
    if first["type"] == "value_error":  # a check of the studio, with its words
        return first["msg"].removeprefix(_OWN).rstrip(".")
    name = first["loc"][0] if first["loc"] else ""
    field = fields.get(str(name))
    accepted = allowed(field) if field is not None and not isinstance(first["input"], Mapping) else ""
    if not accepted:
        return f"does not work: {first['msg'][:1].lower()}{first['msg'][1:].rstrip('.')}"
    if not and_value:
        return f"must be {accepted}"
    shown = str(first["input"])
    return f"must be {accepted}; got {shown if len(shown) <= 60 else f'{shown[:60]}…'}"


def allowed(field: FieldInfo) -> str:
    """`a whole number from 1 to 1,000, or auto`; "" for a type that a few words do not describe."""
    return _allowed(field.annotation, field.metadata)


def _allowed(annotation: Any, metadata: list[Any] | tuple[Any, ...] = ()) -> str:
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _allowed(parts[0], [bound for item in parts[1:] for bound in getattr(item, "metadata", [item])])
    if origin in (Union, UnionType):
        described = [text for part in parts if part is not type(None) and (text := _allowed(part))]
        return ", or ".join(described)
    if origin is Literal:
        return _either([str(choice) for choice in parts])
    limits = {name: getattr(item, name) for item in metadata for name in _LIMITS if hasattr(item, name)}
    if origin in (list, tuple):
        most = limits.get("max_length")
        return f"a list of at most {most:,} items" if most else "a list"
    kind = _KINDS.get(annotation, "")
    return f"{kind}{_range(limits)}" if kind else ""


_LIMITS: Final = ("gt", "ge", "lt", "le", "min_length", "max_length")


def _range(limits: Mapping[str, Any]) -> str:
    low, high = limits.get("ge"), limits.get("le")
    if low is not None and high is not None:
        return f" from {_number(low)} to {_number(high)}"
    words = {"gt": "above", "ge": "of at least", "lt": "below", "le": "of at most"}
    bounds = [f"{word} {_number(limits[name])}" for name, word in words.items() if name in limits]
    text = f" {' and '.join(bounds)}" if bounds else ""
    return text.replace("and of at most", "and at most") + _length(limits)


def _length(limits: Mapping[str, Any]) -> str:
    low, high = limits.get("min_length") or 0, limits.get("max_length")
    if high:
        return f" of {low:,} to {high:,} characters" if low else f" of at most {high:,} characters"
    return " that is not empty" if low else ""


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _either(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else names[0]
