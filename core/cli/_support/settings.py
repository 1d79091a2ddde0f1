"""`--set name=value`, typed by the same pydantic models as the forms of the screens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError

from core import bounds
from core.cli._support.near import did_you_mean, near
from core.errors import SettingsError

Texts = list[str] | None  # the type of an option that may be repeated
Lines = list[int] | None  # the same for lines of a file


def assign(
    pairs: Iterable[str], *configs: type[BaseModel], flags: Mapping[str, str] = MappingProxyType({})
) -> list[dict[str, Any]]:
    """Parse `name=value` texts into typed values, one dictionary per config class, with only the given names.

    A name belongs to the first config that has it. A repeated name extends a list (commas also separate its items,
    unless the items are lines of text); for other settings the last value counts.

    Args:
        flags: by setting, the option that it was given as, for messages: `--epochs 3` instead of `--set num_epochs=3`.

    Raises:
        SettingsError: a pair without "=", an unknown name (the valid ones are listed), a value out of bounds, or one
            that has no effect with the other values.
    """
    texts: list[dict[str, list[str]]] = [{} for _ in configs]
    for pair in pairs:
        name, equals, value = pair.partition("=")
        name = name.strip()
        if not equals:
            raise SettingsError(f"--set {pair}: the '=' is missing.", "Write it as --set name=value.")
        owner = next((index for index, config in enumerate(configs) if name in config.model_fields), None)
        if owner is None:
            names = [known for config in configs for known in config.model_fields]
            said = f"{flags[name]}: not a setting of this method" if name in flags else f"--set {name}: unknown setting"
            raise SettingsError(f"{said}.{did_you_mean(near(name, names))}", f"Valid names: {', '.join(names)}.")
        texts[owner].setdefault(name, []).append(value.strip())
    return [_typed(config, values, flags) for config, values in zip(configs, texts, strict=True)]


def plain(pair: str) -> int | float | bool | str:
    """The value of a text `name=value` of a setting that this studio does not define: a number, a switch or a word.

    Raises:
        SettingsError: it has no "=".
    """
    _, equals, text = pair.partition("=")
    if not equals:
        raise SettingsError(f"--set {pair}: the '=' is missing.", "Write it as --set name=value.")
    text = text.strip()
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def pairs(values: Mapping[str, Any], *configs: type[BaseModel]) -> list[str]:
    """The values as texts `name=value`, as `assign` reads them; values without effect are left out."""
    texts: list[str] = []
    for config in configs:
        for name in values:
            if name not in config.model_fields or _idle(config, values, name):
                continue
            value = values[name]
            if not isinstance(value, (list, tuple)):
                texts.append(f"{name}={value}")
            elif _is_lines(config, name):
                texts += [f"{name}={line}" for line in value]
            else:
                texts.append(f"{name}={','.join(map(str, value))}")
    return texts


def _typed(config: type[BaseModel], texts: dict[str, list[str]], flags: Mapping[str, str]) -> dict[str, Any]:
    if not texts:
        return {}
    raw = {name: _value(config, name, values) for name, values in texts.items()}
    try:
        model = config.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else next(iter(texts))
        wrong = bounds.problem(error, config.model_fields, and_value=False)
        it = "" if first["type"] == "value_error" else "it "
        text = f"{_given(name, ', '.join(texts.get(name, [])), flags)}: {it}{wrong}."
        raise SettingsError(text, _hint(config, name)) from error
    typed = {name: getattr(model, name) for name in texts}
    for name in typed:
        if because := _idle(config, typed, name):
            other, allowed = because
            given = _given(name, ", ".join(texts[name]), flags)
            text = f"{given} has no effect: it applies only if {other} is {allowed}."
            raise SettingsError(text, f"Set {other} as well, or leave {name} out.")
    return typed


def _given(name: str, value: str, flags: Mapping[str, str]) -> str:
    return f"{flags[name]} {value}" if name in flags else f"--set {name}={value}"


def _idle(config: type[BaseModel], values: Mapping[str, Any], name: str) -> tuple[str, str] | None:
    """The setting that makes this one ineffective, and the value it would need; None if this one applies."""
    for other, allowed in dict(_extra(config, name).get("when") or {}).items():
        if values.get(other, config.model_fields[other].get_default(call_default_factory=True)) not in allowed:
            every = [str(choice).lower() if isinstance(choice, bool) else str(choice) for choice in allowed]
            return other, " or ".join(every) if len(every) < 4 else f"{every[0]} to {every[-1]}"
    return None


def _value(config: type[BaseModel], name: str, texts: list[str]) -> Any:
    """The text, the items of a list, or a number if the choices are numbers."""
    annotation = config.model_fields[name].annotation
    if get_origin(annotation) in (list, tuple, set, frozenset):
        parts = texts if _is_lines(config, name) else [part for text in texts for part in text.split(",")]
        return [part.strip() for part in parts if part.strip()]
    if get_origin(annotation) is Literal:
        return next((choice for choice in get_args(annotation) if str(choice) == texts[-1]), texts[-1])
    return texts[-1]


def _is_lines(config: type[BaseModel], name: str) -> bool:
    return _extra(config, name).get("widget") == "lines"


def _extra(config: type[BaseModel], name: str) -> dict[str, Any]:
    field = config.model_fields.get(name)
    return field.json_schema_extra if field is not None and isinstance(field.json_schema_extra, dict) else {}


def _hint(config: type[BaseModel], name: str) -> str:
    usual = _extra(config, name).get("usual")
    return f"Usual values: {usual}." if usual and usual != "any" else ""


def time_of(text: str) -> float:
    """A time in Unix seconds, in the machine's time zone unless it names another.

    `2026-12-24T08:00`, `2026-12-24 08:00`, or `08:00` for the next time that it is eight.

    Raises:
        SettingsError: it is not a time.
    """
    now = datetime.now()
    try:
        if "-" not in text and ":" in text:
            clock = datetime.strptime(text.strip(), "%H:%M").time()
            today = datetime.combine(now.date(), clock)
            return (today if today > now else today + timedelta(days=1)).timestamp()
        return datetime.fromisoformat(text.strip()).timestamp()
    except ValueError as error:
        raise SettingsError(f"{text!r} is not a time.", "Write 2026-12-24T08:00, or 08:00.") from error
