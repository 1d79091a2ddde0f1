"""Method (plain data) -> the object that trains: PEFT wraps the base, or every weight of the base is free."""

from __future__ import annotations

from typing import Any

from core.errors import TrainingError
from core.methods.base import Method


def attach(model: Any, method: Method) -> Any:
    """The model with the method's trainable weights on it; everything else is frozen.

    Raises:
        TrainingError: PEFT knows no such tuner, or finds nothing to attach it to.
    """
    peft_type, arguments = method.peft_type(), method.peft_arguments()
    if peft_type is None or arguments is None:
        return model.requires_grad_(True)
    from peft import PeftType, get_peft_model
    from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

    try:
        config = PEFT_TYPE_TO_CONFIG_MAPPING[PeftType(peft_type)](**arguments)
        return get_peft_model(model, config)
    except (KeyError, TypeError, ValueError) as error:
        raise TrainingError(
            f"{method.title} cannot be attached to this base model: {error}",
            "Choose another base model or method.",
        ) from error


def trainable(model: Any) -> dict[str, Any]:
    """The weights that learn, by name: what a checkpoint has to hold."""
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
