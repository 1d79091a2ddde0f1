"""*auto* -> numbers, each with its source: you, a preset of the base model or the method, or the studio's default."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from core.data.examples.lengths import MAX_SEQ_LENGTH
from core.errors import SettingsError
from core.models.base_models.records import BaseModelRef
from core.models.methods import METHODS
from core.models.methods.base import recomputes
from core.models.methods.presets import SIZE_TEXTS, Preset
from core.training.cadence import PARTS_OF_A_RUN
from core.training.jobs.spec import AUTO, ResolvedTraining, TrainingConfig

TARGET_BATCH: Final = 8  # Source: Unsloth, Axolotl 2 x 4; LLaMA-Factory 2 x 8
FIRST_LENGTH: Final = 64
GENERAL_EPOCHS: Final = 3  # Source: transformers' own default; Unsloth, LLaMA-Factory and AutoTrain use 1 to 3
YOU: Final = "chosen by you"
_FOLLOW_TIME: Final = {"eval_every_steps": "validation_follows_time", "save_every_steps": "checkpoints_follow_time"}


def resolve(
    config: TrainingConfig,
    base: BaseModelRef,
    method_id: str,
    train_examples: int,
    *,
    longest_tokens: int | None = None,
    counted_by: str = "",
) -> tuple[ResolvedTraining, dict[str, str]]:
    """Turn settings into plain numbers.

    Args:
        config: the user's settings; a value that equals the automatic one counts as automatic, except the cadence of
            validation and checkpoints.
        base: its presets and its context length.
        method_id: selects the presets.
        train_examples: examples in the training split (at least 1 is assumed).
        longest_tokens: a length that no example exceeds, if known.
        counted_by: the base model whose tokenizer counted it exactly; "" for an estimate.

    Returns:
        The numbers, and the source of each setting as text.
    """
    preset = _Preset.of(base, method_id)
    examples = max(train_examples, 1)
    longest = (longest_tokens, counted_by) if longest_tokens is not None else None
    automatic = _automatic(preset, base, method_id, examples, longest)
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}

    for name in ("num_epochs", "per_device_batch_size", "learning_rate", "max_seq_length"):
        _take(name, config, automatic, values, sources)
    automatic["gradient_accumulation_steps"] = _accumulation(preset, values["per_device_batch_size"], examples)
    _take("gradient_accumulation_steps", config, automatic, values, sources)

    effective = values["per_device_batch_size"] * values["gradient_accumulation_steps"]
    values["steps_per_epoch"] = math.ceil(examples / effective)
    values["total_steps"] = values["steps_per_epoch"] * values["num_epochs"]
    every = max(1, values["total_steps"] // PARTS_OF_A_RUN)
    for name, flag in _FOLLOW_TIME.items():
        chosen = getattr(config, name)  # 1 is a choice, too: *auto* would make it 1 only as long as time allows
        values[flag] = chosen == AUTO
        part = f"studio default: a twentieth of {values['total_steps']:,} steps, or less often to save time"
        values[name], sources[name] = (every, part) if chosen == AUTO else (chosen, YOU)

    for name, field in TrainingConfig.model_fields.items():
        if name not in values:
            automatic.setdefault(name, _plain(name, field.default, preset))
            _take(name, config, automatic, values, sources)
    _check_checkpointing(config, method_id)
    return ResolvedTraining(**values), sources


def _check_checkpointing(config: TrainingConfig, method_id: str) -> None:
    if config.gradient_checkpointing == "on" and not METHODS.get(method_id).recomputes:
        raise SettingsError(
            f"Gradient checkpointing = 'on', but {METHODS.get(method_id).title.lower()} does not support it.",
            "Set it to auto, or choose another method.",
        )


_Choice = tuple[Any, str]  # a value and its source


@dataclass(frozen=True, slots=True)
class _Preset:
    """The training settings of a preset, and the source of each: the base model's entry, or the method's file."""

    values: Mapping[str, Any]
    of_base: frozenset[str]
    base_title: str
    method_text: str

    @classmethod
    def of(cls, base: BaseModelRef, method_id: str) -> _Preset:
        own = base.presets.get(method_id, Preset()).training
        method = METHODS.get(method_id)
        text = method.title + SIZE_TEXTS[method.preset_class(base.params)]
        return cls(base.preset(method_id).training, frozenset(own), base.title, text)

    def source(self, name: str) -> str:
        return f"preset of {self.base_title if name in self.of_base else self.method_text}"

    def get(self, name: str) -> _Choice | None:
        return (self.values[name], self.source(name)) if name in self.values else None


def _take(
    name: str, config: TrainingConfig, automatic: Mapping[str, _Choice], values: dict[str, Any], sources: dict[str, str]
) -> None:
    entered = getattr(config, name)
    value, source = automatic[name]
    chosen = entered != AUTO and name in config.model_fields_set and entered != value
    values[name], sources[name] = (entered, YOU) if chosen else (value, source)


def _automatic(
    preset: _Preset, base: BaseModelRef, method_id: str, examples: int, longest: tuple[int, str] | None
) -> dict[str, _Choice]:
    batch = preset.get("per_device_batch_size")
    rate = preset.values["learning_rate"], preset.source("learning_rate")
    recomputed = recomputes(base.dims.params if base.dims else 0, METHODS.get(method_id), "auto")
    return {
        "gradient_checkpointing": (
            "on" if recomputed else "off",
            "studio default: on for models of more than 500 million parameters, if the method supports it",
        ),
        "num_epochs": _epochs(preset, examples),
        "per_device_batch_size": (
            (min(batch[0], examples), batch[1])
            if batch
            else (min(2, examples), "studio default: 2, as in Unsloth and Axolotl")
        ),
        "learning_rate": rate,
        "max_seq_length": _length(base, longest),
    }


def _epochs(preset: _Preset, examples: int) -> _Choice:
    if seen := preset.values.get("examples_seen"):
        epochs = min(max(seen // examples, preset.values["min_epochs"]), preset.values["max_epochs"])
        source = f"{preset.source('examples_seen')}: {examples:,} examples, each seen {epochs} times"
        return epochs, source if epochs == GENERAL_EPOCHS else f"{source} instead of {GENERAL_EPOCHS}"
    if chosen := preset.get("num_epochs"):
        return chosen
    epochs = GENERAL_EPOCHS if examples < 1_000 else 2 if examples < 5_000 else 1
    return epochs, f"studio default for {examples:,} examples: 3 below 1,000, 2 below 5,000, then 1"


def _length(base: BaseModelRef, longest: tuple[int, str] | None) -> _Choice:
    """The maximum length, from the tokens of the longest example and how they were counted."""
    limit = min(MAX_SEQ_LENGTH, base.dims.max_position_embeddings if base.dims else MAX_SEQ_LENGTH)
    if longest is None:
        return limit, "studio default: 2,048, or the context length of the base model if that is shorter"
    tokens, counted_by = longest
    needed = max(FIRST_LENGTH, math.ceil(tokens / 64) * 64)
    said = f"the longest example has {tokens:,} tokens, counted by {counted_by}"
    if not counted_by:
        said = f"the longest example has at most {tokens:,} tokens, estimated: the base's tokenizer is not here"
    if needed <= limit:
        return needed, f"studio default: {said}"
    return limit, f"studio default: the longest that *auto* uses; {said}"


def _accumulation(preset: _Preset, batch: int, examples: int) -> _Choice:
    chosen = preset.get("gradient_accumulation_steps")
    if chosen and batch == preset.values.get("per_device_batch_size"):
        return chosen
    # never more than one pass through the data in a step
    steps = max(1, min(TARGET_BATCH, examples) // batch)
    return steps, f"studio default: brings batch x accumulation to about {TARGET_BATCH}"


def _plain(name: str, default: Any, preset: _Preset) -> _Choice:
    return preset.get(name) or (default, "studio default")
