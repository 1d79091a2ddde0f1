"""The engine `unsloth`: fused kernels on an NVIDIA GPU, then the same trainer, batches and checkpoints as `trl`.

Importing this module imports unsloth, which changes transformers, trl and peft for the entire process: it must be
imported before all of them, so no module that other engines use may import this one.

Written for unsloth 2026.10.7. `docs/decisions/0022-engines.md` describes how the studio uses it, and why.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from core.errors import TrainingError
from core.models.methods.base import Method
from core.training.engines.unsloth import environment, record
from core.training.jobs.spec import ResolvedTraining
from worker.training.engines import Ended, Plan, Watching

PATCHED: Final = ("trl", "transformers", "peft")  # what unsloth changes; they must not be imported before it


def import_first() -> Any:
    """Import unsloth before everything that it changes.

    Raises:
        TrainingError: one of those was imported before, or unsloth does not work on this machine; says which.
    """
    if "unsloth" not in sys.modules and (early := [name for name in PATCHED if name in sys.modules]):
        raise TrainingError(
            f"unsloth must be imported before {', '.join(early)}, and this process has imported them already.",
            "Train in a fresh process (the studio's worker does), or choose the engine trl.",
        )
    os.environ.update(environment())
    try:
        return import_module("unsloth")
    except (ImportError, NotImplementedError, RuntimeError) as error:
        lines = str(error).strip().splitlines()
        reason = f"importing it fails here: {lines[0].rstrip('.') if lines else type(error).__name__}."
        record(reason)
        raise TrainingError(f"unsloth cannot be used: {reason}", "Choose the engine trl, or auto.") from error


unsloth = import_first()


def load(model_dir: Path, method: Method, training: ResolvedTraining) -> Any:
    """The base model through unsloth's FastModel, with LoRA, or with every weight trainable.

    Raises:
        TrainingError: it cannot be loaded.
    """
    from worker.training import runtime
    from worker.training.model_files import unloadable

    full = method.peft_type is None
    try:
        model, _ = unsloth.FastModel.from_pretrained(
            model_name=str(model_dir),
            max_seq_length=training.max_seq_length,
            dtype=runtime.dtype(runtime.device(), training.precision),
            full_finetuning=full,
            use_gradient_checkpointing=_checkpointing(training),
            random_state=training.seed,
            use_exact_model_name=True,  # else a known name is replaced with a quantized copy on the Hub
            fix_tokenizer=False,  # the studio renders with the directory's tokenizer as it is
            local_files_only=True,
            trust_remote_code=False,
            **widths(method, training),
        )
        if full:
            return unsloth.FastModel.for_training(model)
        return unsloth.FastModel.get_peft_model(model, **lora_arguments(method, training))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        if "out of memory" in str(error).lower():
            raise
        raise unloadable(model_dir, error) from error


def widths(method: Method, training: ResolvedTraining) -> dict[str, Any]:
    """The bits of the base's weights as unsloth's arguments: exactly one of 4, 8 and 16 bits, or full
    fine-tuning."""
    plain = method.load_arguments().get("quantization")
    none = {"load_in_4bit": False, "load_in_8bit": False}
    if plain is None:
        return none | {"load_in_16bit": method.peft_type is not None}
    from worker.training import quantization, runtime

    device = runtime.device()
    dtype = runtime.dtype(device, training.precision)
    config = quantization.load_arguments(plain, device, dtype)["quantization_config"]
    return none | {f"load_in_{plain['bits']}bit": True, "quantization_config": config}


def lora_arguments(method: Method, training: ResolvedTraining) -> dict[str, Any]:
    """PEFT's arguments for unsloth's `get_peft_model`; it passes those that it does not know to LoraConfig."""
    arguments = dict(method.peft_arguments() or {})
    return {**arguments, "use_gradient_checkpointing": _checkpointing(training), "random_state": training.seed}


def _checkpointing(training: ResolvedTraining) -> str | bool:
    """unsloth's own checkpointing, which moves activations to main memory, unless it is off."""
    return False if training.gradient_checkpointing == "off" else "unsloth"


def run(plan: Plan, hooks: Watching) -> Ended:
    """Run the steps of a plan with TRL's trainer as changed by unsloth."""
    from worker.training.engines import trl

    return trl.run(plan, hooks, trainer=_trainer())


def _trainer() -> Any:
    from worker.training.engines import trl

    class Trainer(trl.Trainer):
        """One example per row, because unsloth's attention separates packed examples by its own lengths; and unsloth's
        own forward instead of TRL's."""

        packs = False
        chunks = False

    return Trainer
