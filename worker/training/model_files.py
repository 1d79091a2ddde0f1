"""Models in directories: loaded onto this machine's device, checked to be complete and finite, and saved."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any, Final

import torch

from core.errors import StorageError, TrainingError
from core.models.base_models import BaseModelRef
from core.models.base_models.light_tokenizer import template_of, training_template
from worker.training import checkpoints, quantization, runtime, tuners
from worker.training.runtime import first_line, out_of_memory

SILENT_S: Final = 180.0  # loading a model or measuring the validation loss may take this long without a sign of life


def base_dir(base: BaseModelRef) -> Path:
    """The directory of a base model. Raises TrainingError: it is not on this machine; says why."""
    if not base.ready or base.path is None:
        raise TrainingError(f"The base model {base.title} is not on this machine: {base.reason}", base.command)
    return base.path


def load_tokenizer(model_dir: Path) -> Any:
    """The tokenizer of a model directory; no code from the directory is run.

    Raises:
        TrainingError: it cannot be loaded.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(model_dir, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise unloadable(model_dir, error) from error
    # of several named templates, only the one used in training is saved with the tuned model
    tokenizer.chat_template = training_template(model_dir) or template_of(model_dir)
    return tokenizer


def load_model(model_dir: Path, arguments: dict[str, Any] | None = None, *, dtype: torch.dtype | None = None) -> Any:
    """The model of a directory on this machine's device, from safetensors only.

    Args:
        arguments: of a method (`Method.load_arguments`): whether its linear layers are quantized.
        dtype: of its weights; None for the device's usual one.

    Raises:
        TrainingError: it cannot be loaded.
    """
    from transformers import AutoModelForCausalLM

    device = runtime.device()
    quantized = (arguments or {}).get("quantization")
    dtype = dtype or runtime.dtype(device)
    try:
        model, loaded = AutoModelForCausalLM.from_pretrained(
            model_dir,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=dtype,
            attn_implementation="sdpa",
            ignore_mismatched_sizes=True,  # reported below
            output_loading_info=True,
            **(quantization.load_arguments(quantized, device, dtype) if quantized else {}),
        )
    except Exception as error:  # a config that does not fit its weights raises different errors by architecture
        if isinstance(error, RuntimeError) and out_of_memory(error):
            raise
        if out_of_memory(error):
            raise MemoryError(first_line(error)) from error
        raise unloadable(model_dir, error) from error
    _check_complete(model_dir, loaded)
    _check_finite(model_dir, model)
    return quantization.detach_from_file(model) if quantized else model.to(device)


def _check_complete(model_dir: Path, loaded: dict[str, Any]) -> None:
    """Check that every weight came from the files: a missing one, or one of another size, would be random.

    Raises:
        TrainingError: names the first one that did not.
    """
    remedy = "Add the config.json that belongs to these weights, or download the model again."
    for key, in_files, by_config in sorted(loaded.get("mismatched_keys") or ()):
        sizes = [" x ".join(str(size) for size in shape) for shape in (in_files, by_config)]
        raise TrainingError(
            f"The base model in {model_dir} cannot be loaded: {key} is {sizes[0]} in its files, but {sizes[1]} in its "
            "config.json.",
            remedy,
        )
    if missing := sorted(loaded.get("missing_keys") or ()):
        more = f" and {len(missing) - 1:,} more" if len(missing) > 1 else ""
        raise TrainingError(
            f"The base model in {model_dir} cannot be loaded: its files have no {missing[0]}{more}.", remedy
        )


def _check_finite(model_dir: Path, model: Any) -> None:
    """Check that no weight is NaN or infinite: the loss would be, too, and no setting would help.

    Raises:
        TrainingError: names the first one that is.
    """
    for name, weight in model.named_parameters():
        if not weight.is_floating_point() or not weight.numel():
            continue
        if not all(math.isfinite(bound) for bound in torch.aminmax(weight.detach())):
            raise TrainingError(
                f"The base model in {model_dir} cannot be used: {name} has values that are NaN or infinite.",
                "Download the model again, or choose another one.",
            )


def load_tuned(base_path: Path, model_dir: Path) -> Any:
    """The tuned model: an adapter on top of its base, or a directory of full weights loaded by itself."""
    if not (model_dir / "adapter_config.json").is_file():
        return load_model(model_dir)
    return tuners.load(load_model(base_path), model_dir)


def unloadable(model_dir: Path, error: Exception) -> TrainingError:
    """The error for a base model whose files cannot be loaded."""
    return TrainingError(
        f"The base model in {model_dir} cannot be loaded: {first_line(error)}",
        "Check that the directory contains config.json, the tokenizer and safetensors weights.",
    )


def save_model(model: Any, tokenizer: Any, directory: Path) -> Path:
    """Write the adapter (or all weights) and the tokenizer into a new directory, then rename it into place.

    Raises:
        StorageError: the disk is full or cannot be written; nothing incomplete is left.
    """
    temporary = directory.with_name(f".{directory.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        model.save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)
        (temporary / "README.md").unlink(missing_ok=True)  # PEFT's empty model card
        shutil.rmtree(directory, ignore_errors=True)
        temporary.rename(directory)
    except checkpoints.WRITE_ERRORS as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise StorageError(
            f"The model could not be written to {directory}: {checkpoints.reason(error)}.",
            "Free disk space, then retry: the steps are done, and the run resumes from its last checkpoint.",
        ) from error
    return directory
