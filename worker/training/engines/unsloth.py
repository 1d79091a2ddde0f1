"""The engine `unsloth`: fused kernels on an NVIDIA GPU, then the same trainer, batches and checkpoints as `trl`.

Importing this module imports unsloth, which changes transformers, trl and peft for the whole process: it must come
before all of them, so nothing here may be imported by a module that other engines use.

Written against unsloth 2026.10.7. `docs/decisions/0022-engines.md` says which of its ways the studio takes, and why.
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
from worker.training.engines import Ended, Hooks, Plan

PATCHED: Final = ("trl", "transformers", "peft")  # what unsloth changes, and says must not be there before it


def import_first() -> Any:
    """unsloth, imported before everything that it changes.

    Raises:
        TrainingError: something of that was imported before, or unsloth refuses this machine; says which.
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
    """The base model through unsloth's FastModel, with LoRA on it, or with every weight free.

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
            dtype=runtime.dtype(runtime.device()),
            full_finetuning=full,
            use_gradient_checkpointing=_checkpointing(training),
            random_state=training.seed,
            use_exact_model_name=True,  # else a known name is exchanged for a quantized copy on the Hub
            fix_tokenizer=False,  # the studio renders with the tokenizer as it lies in the directory
            local_files_only=True,
            trust_remote_code=False,
            **precision(method),
        )
        if full:
            return unsloth.FastModel.for_training(model)
        return unsloth.FastModel.get_peft_model(model, **lora_arguments(method, training))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        if "out of memory" in str(error).lower():
            raise
        raise unloadable(model_dir, error) from error


def precision(method: Method) -> dict[str, Any]:
    """The width of the base's weights in unsloth's words: exactly one of 4, 8 and 16 bit, or whole for all to learn."""
    plain = method.load_arguments().get("quantization")
    widths = {"load_in_4bit": False, "load_in_8bit": False}
    if plain is None:
        return widths | {"load_in_16bit": method.peft_type is not None}
    from worker.training import quantization, runtime

    config = quantization.load_arguments(plain, runtime.device())["quantization_config"]
    return widths | {f"load_in_{plain['bits']}bit": True, "quantization_config": config}


def lora_arguments(method: Method, training: ResolvedTraining) -> dict[str, Any]:
    """PEFT's arguments as unsloth's `get_peft_model` takes them; what it does not name, it hands on to LoraConfig."""
    arguments = dict(method.peft_arguments() or {})
    return {**arguments, "use_gradient_checkpointing": _checkpointing(training), "random_state": training.seed}


def _checkpointing(training: ResolvedTraining) -> str | bool:
    """unsloth's own way, which moves activations to the computer's memory, unless none was asked for."""
    return False if training.gradient_checkpointing == "off" else "unsloth"


def run(plan: Plan, hooks: Hooks) -> Ended:
    """Make the steps of a plan with TRL's trainer as unsloth has changed it."""
    from worker.training.engines import trl

    return trl.run(plan, hooks, trainer=_trainer())


def _trainer() -> Any:
    from worker.training.engines import trl

    class Trainer(trl.Trainer):
        """One example per row: unsloth's attention keeps packed examples apart by lengths of its own. And unsloth's
        own forward, which TRL's would replace."""

        packs = False
        chunks = False

    return Trainer


__all__ = ["import_first", "load", "lora_arguments", "precision", "run"]
