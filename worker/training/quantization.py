"""A base whose linear layers are stored in 4 or 8 bits: how it is loaded, and how its parameters are counted."""

from __future__ import annotations

import logging
from typing import Any

import torch

from worker.training import runtime

# On some processors the library looks for a kernel on the Hub, and logs that it is not there.
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)


def load_arguments(plain: dict[str, Any], device: torch.device, dtype: torch.dtype) -> dict[str, Any]:
    """Arguments of `from_pretrained` for a method's quantization (see `Method.load_arguments`).

    Unpacked 4-bit weights are multiplied in `dtype`, the one of the rest of the model, unless the method names another;
    on a CPU in fp32: unpacking costs more than the product there.

    The weights are quantized on the device as they are read: a quantized model cannot be moved. transformers does not
    quantize the head (and embeddings tied to it). Norms are not converted either: they compute in fp32 in any case,
    and as frozen weights they have no small updates to lose.
    """
    from transformers import BitsAndBytesConfig  # after the engine: unsloth must be imported before it

    if plain["bits"] == 8:
        config = BitsAndBytesConfig(load_in_8bit=True)
    else:
        chosen = plain["compute_dtype"]
        automatic = torch.float32 if device.type == "cpu" else dtype
        config = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=plain["double_quantization"],
            bnb_4bit_compute_dtype=automatic if chosen == "auto" else getattr(torch, chosen),
        )
    place = "cpu" if device.type == "cpu" else device.index or 0
    return {"quantization_config": config, "device_map": {"": place}}


def detach_from_file(model: torch.nn.Module) -> torch.nn.Module:
    """The model with a copy of its unquantized weights, so that its file can be unmapped.

    On the CPU, embeddings and norms are views into the mapped file, so every page that was read to be quantized would
    remain in memory: more than the quantized weights themselves.
    """
    for parameter in model.parameters():
        if parameter.device.type == "cpu" and parameter.is_floating_point():
            parameter.data = parameter.data.clone()
    runtime.release_memory()
    return model


def is_quantized(model: Any) -> bool:
    """Whether linear layers of the model are quantized."""
    return bool(getattr(model, "is_quantized", False))


def eval_mode(model: torch.nn.Module) -> None:
    """`eval()` for a model that is trained afterwards: no dropout, and 4-bit weights stay usable for training.

    On a CPU with AVX512-BF16, bitsandbytes permanently repacks the weights of a layer in evaluation mode for inference.
    Its kernel for them has no backward pass, and the layers below would learn nothing without an error.
    """
    model.eval()
    base = model.get_base_model() if hasattr(model, "get_base_model") else model  # type: ignore[operator]
    if is_quantized(base):
        from bitsandbytes.nn.modules import Linear4bit

        for module in model.modules():
            if isinstance(module, Linear4bit):
                module.training = True


def params(model: torch.nn.Module) -> int:
    """The number of parameters of a model: a 4-bit weight is one parameter, not half a byte."""
    return sum(_numel(parameter) for parameter in model.parameters())


def _numel(parameter: Any) -> int:
    state = getattr(parameter, "quant_state", None)
    return int(parameter.numel() if state is None else state.shape.numel())
