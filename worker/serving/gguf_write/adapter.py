"""A LoRA adapter as a GGUF file that llama.cpp loads beside the base's."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any, Final

import gguf
import numpy

from core.errors import SettingsError, TrainingError
from worker.serving.gguf_write.architecture import LARGEST_F16, Architecture
from worker.serving.gguf_write.weights_file import StoredTensor, tensors_of
from worker.serving.gguf_write.writing import written

_NAME: Final = re.compile(r"^base_model\.model\.(?P<layer>.+)\.lora_(?P<side>[AB])(?:\.default)?\.weight$")
_REMEDY: Final = "Use the merged model as a GGUF file instead."
# what PEFT's config may ask for beside plain LoRA, and what it is called
_BEYOND: Final = {
    "use_dora": "DoRA", "alora_invocation_tokens": "activated LoRA", "target_parameters": "adapted parameters",
    "trainable_token_indices": "trained tokens", "modules_to_save": "trained layers", "rank_pattern": "several ranks",
    "alpha_pattern": "several values of alpha", "fan_in_fan_out": "transposed layers", "lora_bias": "biases",
}  # fmt: skip


def write_adapter(adapter: Path, base: Path, target: Path, *, name: str = "") -> None:
    """Write an adapter as PEFT saved it; an incomplete file is deleted.

    Args:
        base: the directory of its base model, for the architecture.

    Raises:
        SettingsError: the adapter has something that llama.cpp does not apply; names it.
        TrainingError: the adapter is damaged, or does not fit the base.
    """
    architecture = Architecture.of(base)
    config = _config(adapter)
    pairs = _pairs(adapter, architecture)
    with written(target, architecture.name) as writer:
        writer.add_type("adapter")
        writer.add_name(name or adapter.name)
        writer.add_string("adapter.type", "lora")
        writer.add_float32("adapter.lora.alpha", _alpha(config))
        writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
        for stored, (layer, a, b) in pairs.items():
            for side, values in (("a", a.read()), ("b", architecture.arranged(f"{layer}.", b.read()))):
                if not numpy.isfinite(values).all():
                    raise TrainingError(f"{layer} of the adapter has values that are not finite.", "Train it again.")
                fits = float(numpy.abs(values).max(initial=0.0)) <= LARGEST_F16
                writer.add_tensor(f"{stored}.lora_{side}", values.astype(numpy.float16) if fits else values)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()


def _config(adapter: Path) -> dict[str, Any]:
    try:
        config: dict[str, Any] = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrainingError("The adapter's adapter_config.json cannot be read.", "Train the model again.") from error
    if config.get("peft_type") != "LORA":
        raise SettingsError(f"llama.cpp applies LoRA adapters only; this one is {config.get('peft_type')}.", _REMEDY)
    if beyond := next((title for key, title in _BEYOND.items() if config.get(key)), ""):
        raise SettingsError(f"llama.cpp does not apply an adapter with {beyond}.", _REMEDY)
    if config.get("bias", "none") != "none":
        raise SettingsError("llama.cpp does not apply an adapter with trained biases.", _REMEDY)
    return config


def _alpha(config: dict[str, Any]) -> float:
    """llama.cpp multiplies by alpha / rank; rank-stabilized LoRA by alpha / the root of the rank."""
    alpha, rank = float(config["lora_alpha"]), int(config["r"])
    return alpha * math.sqrt(rank) if config.get("use_rslora") else alpha


def _pairs(adapter: Path, architecture: Architecture) -> dict[str, tuple[str, StoredTensor, StoredTensor]]:
    """llama.cpp's name of a weight -> (transformers' name of the layer, A, B)."""
    sides: dict[str, dict[str, StoredTensor]] = {}
    for name, tensor in sorted(tensors_of(adapter, "adapter_model.safetensors").items()):
        found = _NAME.match(name)
        if found is None:
            raise SettingsError(f"llama.cpp has no place for {name} of the adapter.", _REMEDY)
        sides.setdefault(found["layer"], {})[found["side"]] = tensor
    pairs: dict[str, tuple[str, StoredTensor, StoredTensor]] = {}
    for layer, pair in sides.items():
        stored = architecture.tensor_name(f"{layer}.weight")
        if stored is None:
            raise SettingsError(f"llama.cpp has no place for {layer} of the adapter.", _REMEDY)
        if set(pair) != {"A", "B"} or pair["A"].shape[0] != pair["B"].shape[-1]:
            raise TrainingError(f"The adapter is damaged: {layer} has no matching pair.", "Train the model again.")
        pairs[stored] = (layer, pair["A"], pair["B"])
    if not pairs:
        raise TrainingError("The adapter has no weights.", "Train the model again.")
    return pairs
