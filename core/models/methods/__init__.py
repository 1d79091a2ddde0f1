"""How weights change: one file per method, one line each in the registry below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from core.errors import NotFound, SettingsError
from core.models.methods.base import Method
from core.models.methods.bottleneck_adapter import BottleneckAdapter
from core.models.methods.full import FullFineTuning
from core.models.methods.lora import LoRA
from core.models.methods.prefix_tuning import PrefixTuning
from core.models.methods.qlora import QLoRA

METHODS: Final[dict[str, type[Method]]] = {}


def add(method: type[Method]) -> None:
    """Put a method into the registry.

    Raises:
        ValueError: a method with this id is there already.
    """
    if method.id in METHODS:
        raise ValueError(f"There are two methods with the id {method.id!r}.")
    METHODS[method.id] = method


add(LoRA)
add(QLoRA)
add(PrefixTuning)
add(BottleneckAdapter)
add(FullFineTuning)


def get_method(method_id: str) -> type[Method]:
    """The method class of an id.

    Raises:
        NotFound: names the ids that exist.
    """
    if method_id not in METHODS:
        raise NotFound(f"There is no fine-tuning method {method_id!r}.", f"Choose one of: {', '.join(METHODS)}.")
    return METHODS[method_id]


def build(method_id: str, config: Mapping[str, Any] | None = None) -> Method:
    """A method with checked settings.

    Raises:
        NotFound: no such method.
        SettingsError: a setting is unknown or out of bounds; names the setting, its value and the bound.
    """
    method = get_method(method_id)
    try:
        return method(**dict(config or {}))
    except ValidationError as error:
        raise setting_error(error, method.title) from error


def setting_error(error: ValidationError, owner: str) -> SettingsError:
    """The first complaint of pydantic in the studio's own words."""
    first = error.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else "a setting"
    if first["type"] == "extra_forbidden":
        return SettingsError(f"{owner} has no setting {name!r}.", "Leave it out.")
    if not first["loc"]:  # settings that do not go together
        return SettingsError(f"{owner}: {first['msg'].removeprefix('Value error, ')}.", "Change one of them.")
    value = f"{name} = {first['input']!r}"
    return SettingsError(f"{owner}: {value} does not work: {first['msg'].lower()}.", f"Change {name}.")


__all__ = ["METHODS", "Method", "add", "build", "get_method", "setting_error"]
