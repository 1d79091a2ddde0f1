"""Hyperparameters as a service names and bounds them: checked, and put where its request has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from core.errors import SettingsError
from core.training.providers.hosted import AUTO, Hyperparameter

LARGEST: Final = 2**53  # beyond it JSON's numbers are not exact; infinite ones and NaN are not within it either


def checked(settings: tuple[Hyperparameter, ...], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values to send, by name. *auto* and None are left to the service.

    Raises:
        SettingsError: of the field; the service has no such setting, or the value is outside its range.
    """
    known = {setting.name: setting for setting in settings}
    unknown = next((name for name in values if name not in known), None)
    if unknown is not None:
        names = ", ".join(known) or "none"
        raise SettingsError(f"The service has no setting {unknown!r}.", f"Its settings: {names}.", field=unknown)
    return {
        name: _checked(known[name], value)
        for name, value in values.items()
        if value is not None and not (value == AUTO and known[name].auto)
    }


def _checked(setting: Hyperparameter, value: Any) -> Any:
    if setting.kind == "choice":
        if str(value) not in setting.choices:
            raise _wrong(setting, value, f"Choose one of {', '.join(setting.choices)}.")
        return int(value) if str(value).isdecimal() else value
    if setting.kind == "bool":
        if not isinstance(value, bool):
            raise _wrong(setting, value, "Choose yes or no.")
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST:
        raise _wrong(setting, value, _range(setting))
    if setting.kind == "int" and int(value) != value:
        raise _wrong(setting, value, _range(setting))
    too_low = setting.low is not None and value < setting.low
    if too_low or (setting.high is not None and value > setting.high):
        raise _wrong(setting, value, _range(setting))
    return int(value) if setting.kind == "int" else float(value)


def _wrong(setting: Hyperparameter, value: Any, remedy: str) -> SettingsError:
    return SettingsError(f"{setting.title}: {value!r} is not accepted here.", remedy, field=setting.name)


def _range(setting: Hyperparameter) -> str:
    what = "a whole number" if setting.kind == "int" else "a number"
    bounds = " ".join(
        f"{word} {bound:,g}" for word, bound in (("from", setting.low), ("to", setting.high)) if bound is not None
    )
    return f"Enter {what} {bounds}".strip() + (", or auto." if setting.auto else ".")


def placed(settings: tuple[Hyperparameter, ...], values: Mapping[str, Any]) -> dict[str, Any]:
    """The part of the request with these values, each at its place."""
    body: dict[str, Any] = {}
    for setting in settings:
        if setting.name in values:
            put(body, setting.place, values[setting.name])
    return body


def put(body: dict[str, Any], place: str, value: Any) -> None:
    """Set a value in nested dictionaries: `method.supervised.hyperparameters.n_epochs`."""
    *folders, last = place.split(".")
    for folder in folders:
        body = body.setdefault(folder, {})
    body[last] = value
