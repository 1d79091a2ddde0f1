"""Fine-tuning methods: one file per method, one line each in the registry below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from core import bounds
from core.errors import SettingsError
from core.models.methods.base import Method
from core.models.methods.bottleneck_adapter import BottleneckAdapter
from core.models.methods.full import FullFineTuning
from core.models.methods.lora import LoRA
from core.models.methods.prefix_tuning import PrefixTuning
from core.models.methods.qlora import QLoRA
from core.registry import Registry

METHODS: Final = Registry[type[Method]]("fine-tuning method")
METHODS.add(LoRA)
METHODS.add(QLoRA)
METHODS.add(PrefixTuning)
METHODS.add(BottleneckAdapter)
METHODS.add(FullFineTuning)


def recommended_method() -> type[Method]:
    """The method that a new job starts with."""
    return next(method for method in METHODS if method.recommended)


def title_of(method_id: str) -> str:
    """The title of a method; the id of one that no longer exists."""
    return METHODS.get(method_id).title if method_id in METHODS else method_id


def build(method_id: str, config: Mapping[str, Any] | None = None) -> Method:
    """A method with validated settings.

    Raises:
        NotFound: no such method.
        SettingsError: a setting is unknown or out of bounds; names the setting, its value and the bound.
    """
    method = METHODS.get(method_id)
    try:
        return method(**dict(config or {}))
    except ValidationError as error:
        raise setting_error(error, method.title, method.model_fields) from error


def setting_error(error: ValidationError, owner: str, fields: Mapping[str, FieldInfo]) -> SettingsError:
    """The first of pydantic's errors, in plain words."""
    first = error.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else "a setting"
    if first["type"] == "extra_forbidden":
        return SettingsError(f"{owner} has no setting {name!r}.", "Leave it out.")
    wrong = bounds.problem(error, fields)
    if not first["loc"]:  # settings that contradict each other
        return SettingsError(f"{owner}: {wrong}.", "Change one of them.")
    return SettingsError(f"{owner}: {name} {wrong}.", f"Change {name}.")
