"""Attach a method to a base model: PEFT wraps the base, or every weight of the base is trained."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from core.errors import TrainingError
from core.models.methods import METHODS
from core.models.methods.base import Method
from core.training.forecast.batches import order
from worker.training.tuners import prefix

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


def start(model: Any, method: Method, examples: Sequence[Sequence[int]], seed: int) -> None:
    """Compute a new adapter's first weights from training examples, if the method starts there.

    Args:
        examples: their token ids; the first ones in the order of the run's first epoch are read.

    Raises:
        TrainingError: this base model does not allow it.
    """
    count = method.start_tokens()
    if count and examples:
        ordered = (examples[number] for number in order(len(examples), seed, 0))
        prefix.start_from(model, prefix.first_tokens(list(ordered), count))


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
