"""`--set name=value`, typed against the same pydantic configs that the screens make their forms from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError

from core.errors import SettingsError


def assign(pairs: Iterable[str], *configs: type[BaseModel]) -> list[dict[str, Any]]:
    """Sort `name=value` texts into typed values, one dictionary for each config class, only what was named.

    A name belongs to the first config that has it. Named again, a list grows (its parts may also stand between commas,
    except where they are whole lines of text, which hold commas of their own); of anything else the last one counts.

    Raises:
        SettingsError: a pair without "=", an unknown name (the valid ones are listed), a value out of bounds, or one
            that would change nothing beside the others.
    """
    texts: list[dict[str, list[str]]] = [{} for _ in configs]
    for pair in pairs:
        name, equals, value = pair.partition("=")
        name = name.strip()
        if not equals:
            raise SettingsError(f"--set {pair}: there is no '='.", "Write it as --set name=value.")
        owner = next((index for index, config in enumerate(configs) if name in config.model_fields), None)
        if owner is None:
            raise SettingsError(f"--set {name}: there is no setting of that name.", f"Valid names: {_names(configs)}.")
        texts[owner].setdefault(name, []).append(value.strip())
    return [_typed(config, values) for config, values in zip(configs, texts, strict=True)]


def pairs(values: Mapping[str, Any], *configs: type[BaseModel]) -> list[str]:
    """The same values as texts `name=value`, as `assign` takes them; those that change nothing are left out."""
    found: list[str] = []
    for config in configs:
        for name in values:
            if name not in config.model_fields or _idle(config, values, name):
                continue
            value = values[name]
            if not isinstance(value, (list, tuple)):
                found.append(f"{name}={value}")
            elif _is_lines(config, name):
                found += [f"{name}={line}" for line in value]
            else:
                found.append(f"{name}={','.join(map(str, value))}")
    return found


def _typed(config: type[BaseModel], texts: dict[str, list[str]]) -> dict[str, Any]:
    if not texts:
        return {}
    raw = {name: _value(config, name, said) for name, said in texts.items()}
    try:
        model = config.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else next(iter(texts))
        shown = ", ".join(texts.get(name, []))
        said = first["msg"].removeprefix("Value error, ").rstrip(".")
        raise SettingsError(f"--set {name}={shown}: {said}.", _hint(config, name)) from error
    typed = {name: getattr(model, name) for name in texts}
    for name in typed:
        if because := _idle(config, typed, name):
            other, allowed = because
            raise SettingsError(
                f"--set {name}={', '.join(texts[name])} changes nothing: it counts where {other} is {allowed}.",
                f"Set {other} as well, or leave {name} out.",
            )
    return typed


def _idle(config: type[BaseModel], values: Mapping[str, Any], name: str) -> tuple[str, str] | None:
    """The setting that makes this one idle beside `values`, and what it would have to be; None where it counts."""
    for other, allowed in dict(_extra(config, name).get("when") or {}).items():
        if values.get(other, config.model_fields[other].get_default(call_default_factory=True)) not in allowed:
            every = [str(choice).lower() if isinstance(choice, bool) else str(choice) for choice in allowed]
            return other, " or ".join(every) if len(every) < 4 else f"{every[0]} to {every[-1]}"
    return None


def _value(config: type[BaseModel], name: str, said: list[str]) -> Any:
    """The text; the parts of a list; a number where it is one of some numbers."""
    annotation = config.model_fields[name].annotation
    if get_origin(annotation) in (list, tuple, set, frozenset):
        parts = said if _is_lines(config, name) else [part for text in said for part in text.split(",")]
        return [part.strip() for part in parts if part.strip()]
    if get_origin(annotation) is Literal:
        return next((choice for choice in get_args(annotation) if str(choice) == said[-1]), said[-1])
    return said[-1]


def _is_lines(config: type[BaseModel], name: str) -> bool:
    return _extra(config, name).get("widget") == "lines"


def _extra(config: type[BaseModel], name: str) -> dict[str, Any]:
    field = config.model_fields.get(name)
    return field.json_schema_extra if field is not None and isinstance(field.json_schema_extra, dict) else {}


def _hint(config: type[BaseModel], name: str) -> str:
    usual = _extra(config, name).get("usual")
    return f"Usual values: {usual}." if usual else "Give a value within its bounds."


def _names(configs: Iterable[type[BaseModel]]) -> str:
    return ", ".join(name for config in configs for name in config.model_fields)
