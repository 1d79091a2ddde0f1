"""`--set name=value`, typed against the same pydantic configs that the screens make their forms from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError

from core.errors import SettingsError


def assign(pairs: Iterable[str], *configs: type[BaseModel]) -> list[dict[str, Any]]:
    """Sort `name=value` texts into typed values, one dictionary for each config class, only what was named.

    A name belongs to the first config that has it.

    Raises:
        SettingsError: a pair without "=", an unknown name (the valid ones are listed), or a value out of bounds.
    """
    texts: list[dict[str, str]] = [{} for _ in configs]
    for pair in pairs:
        name, equals, value = pair.partition("=")
        name = name.strip()
        if not equals:
            raise SettingsError(f"--set {pair}: there is no '='.", "Write it as --set name=value.")
        owner = next((index for index, config in enumerate(configs) if name in config.model_fields), None)
        if owner is None:
            raise SettingsError(f"--set {name}: there is no setting of that name.", f"Valid names: {_names(configs)}.")
        texts[owner][name] = value.strip()
    return [_typed(config, values) for config, values in zip(configs, texts, strict=True)]


def _typed(config: type[BaseModel], values: dict[str, str]) -> dict[str, Any]:
    if not values:
        return {}
    raw = {name: _value(config, name, text) for name, text in values.items()}
    try:
        model = config.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else next(iter(values))
        shown = values.get(name, "")
        raise SettingsError(f"--set {name}={shown}: {first['msg']}.", _hint(config, name)) from error
    return {name: getattr(model, name) for name in values}


def _value(config: type[BaseModel], name: str, text: str) -> Any:
    """The text; its parts between commas where the setting is a list; a number where it is one of some numbers."""
    annotation = config.model_fields[name].annotation
    if get_origin(annotation) in (list, tuple, set, frozenset):
        return [part.strip() for part in text.split(",") if part.strip()]
    if get_origin(annotation) is Literal:
        return next((choice for choice in get_args(annotation) if str(choice) == text), text)
    return text


def _hint(config: type[BaseModel], name: str) -> str:
    field = config.model_fields.get(name)
    extra = field.json_schema_extra if field is not None else None
    usual = extra.get("usual") if isinstance(extra, dict) else None
    return f"Usual values: {usual}." if usual else "Give a value within its bounds."


def _names(configs: Iterable[type[BaseModel]]) -> str:
    return ", ".join(name for config in configs for name in config.model_fields)
