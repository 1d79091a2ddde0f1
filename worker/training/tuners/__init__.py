"""Attach a method to a base model: PEFT wraps the base, or every weight of the base is trained."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from core.errors import TrainingError
from core.models.methods import METHODS
from core.models.methods.base import Method

PREFIX: Final = "PREFIX_TUNING"


def attach(model: Any, method: Method) -> Any:
    """The model with the method's trainable weights; everything else is frozen.

    Raises:
        TrainingError: PEFT does not know the adapter type, or finds no layers for it.
    """
    peft_type, arguments = method.peft_type, method.peft_arguments()
    if peft_type is None or arguments is None:
        return model.requires_grad_(True)
    from peft import PeftType, get_peft_model
    from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

    _register(peft_type)
    try:
        config = PEFT_TYPE_TO_CONFIG_MAPPING[PeftType(peft_type)](**arguments)
        return get_peft_model(model, config)
    except (KeyError, TypeError, ValueError) as error:
        raise TrainingError(
            f"{method.title} cannot be attached to this base model: {error}", "Choose another base model or method."
        ) from error


def load(model: Any, directory: Path, adapter_name: str = "default") -> Any:
    """The model with the adapter of a directory, frozen. Raises TrainingError: the adapter does not fit the model."""
    from peft import PeftModel

    _register(kind_of(directory))
    try:
        return PeftModel.from_pretrained(model, directory, adapter_name=adapter_name, local_files_only=True)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise TrainingError(
            f"The adapter in {directory} does not fit its base model: {str(error).strip().splitlines()[0][:300]}",
            "Retry its job to create it again.",
        ) from error


def _register(peft_type: str) -> None:
    """Teach PEFT an adapter type that it does not ship: the method that uses it names the module."""
    for name in {method.tuner for method in METHODS if method.tuner and method.peft_type == peft_type}:
        import_module(name).register()


def kind_of(directory: Path) -> str:
    """PEFT's name of the adapter type of a directory."""
    return str(json.loads((directory / "adapter_config.json").read_text(encoding="utf-8"))["peft_type"])


def trainable(model: Any) -> dict[str, Any]:
    """The trainable weights by name: the ones that a checkpoint stores."""
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
