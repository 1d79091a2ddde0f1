"""Which settings would help after a failure, as data, for the message, the job's screen and the command line.

A cause of failure that a change of settings can fix is one function and one line in `REMEDIES`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from core.models.methods import METHODS, recommended_method
from core.models.methods.base import Method
from core.training.jobs.spec import ResolvedTraining, TrainingConfig

MOST: Final = 3  # changes at once; the least helpful ones are left out
SHORTEST: Final = 64  # tokens; the smallest maximum length
MOST_ACCUMULATION: Final = 256  # batches; the largest setting


@dataclass(frozen=True, slots=True)
class SettingChange:
    """One setting to change: its part, its current value and the suggested one.

    `part` is `training` (general settings), `method_config` (settings of the method) or `method` (another method).
    `accompanies` is True if it only compensates for the change before it.
    """

    part: Literal["training", "method_config", "method"]
    setting: str
    title: str
    now: Any
    suggested: Any
    accompanies: bool = False


def remedies(cause: str, training: ResolvedTraining, method: Method, examples: int) -> tuple[SettingChange, ...]:
    """The changes that would help against a cause of failure; () if no setting does.

    Args:
        examples: the number of training examples.
    """
    remedy = REMEDIES.get(cause)
    return remedy(training, method, examples) if remedy else ()


def for_memory(training: ResolvedTraining, method: Method, examples: int) -> tuple[SettingChange, ...]:
    """Less memory, cheapest first: gradient checkpointing, a smaller batch (with as many examples per step), shorter
    examples, fewer trained weights; the first three that apply.

    Gradient accumulation replaces the smaller batch, so that the run learns the same. A batch has at most all examples.
    """
    changes: list[SettingChange] = []
    current, length = training.per_device_batch_size, training.max_seq_length
    batch = min(current, examples)
    if training.gradient_checkpointing == "off" and method.recomputes:
        changes.append(_training("gradient_checkpointing", "off", "on"))
    if batch > 1:
        smaller, now = batch // 2, training.gradient_accumulation_steps
        changes.append(_training("per_device_batch_size", current, smaller))
        more = min(MOST_ACCUMULATION, now * batch // smaller)
        if more != now:
            changes.append(_training("gradient_accumulation_steps", now, more, accompanies=True))
    if length > SHORTEST:
        changes.append(_training("max_seq_length", length, max(SHORTEST, length // 2)))
    if method.peft_type is None:
        changes.append(SettingChange("method", "method", "Method", method.title, recommended_method().id))
    else:
        changes += _smaller_tuner(method)
    return _first(changes, MOST)


def _first(changes: Sequence[SettingChange], count: int) -> tuple[SettingChange, ...]:
    """The first `count` changes, each with those that accompany it."""
    chosen: list[SettingChange] = []
    for change in changes:
        count -= not change.accompanies
        if count < 0:
            break
        chosen.append(change)
    return tuple(chosen)


def for_divergence(training: ResolvedTraining, method: Method, examples: int) -> tuple[SettingChange, ...]:
    """A tenth of the learning rate."""
    tenth = float(f"{training.learning_rate / 10:.2g}")
    return (_training("learning_rate", training.learning_rate, tenth),)


REMEDIES: Final[dict[str, Callable[[ResolvedTraining, Method, int], tuple[SettingChange, ...]]]] = {
    "out_of_memory": for_memory,
    "diverged": for_divergence,
}

BESIDES: Final = {  # what would also help and is not a setting
    "out_of_memory": "A smaller base model also needs less memory.",
    "diverged": "A longer warm-up can help, too.",
}


def as_text(changes: Sequence[SettingChange]) -> str:
    """The changes as the middle of a sentence: `set the batch size to 2 (now 4); set the rank to 4 (now 8)`."""
    text = ""
    for change in changes:
        joint = "" if not text else " and " if change.accompanies else "; "
        text += joint + _sentence_part(change)
    return text


def _sentence_part(change: SettingChange) -> str:
    if change.part == "method":
        return f"choose {METHODS.get(change.suggested).title} instead of {change.now}"
    title = f"{change.title[0].lower()}{change.title[1:]}"
    text = f"{title} to {shown(change.suggested)} (now {shown(change.now)})"
    return text if change.accompanies else f"set the {text}"


def as_choices(changes: Sequence[SettingChange]) -> dict[str, Any]:
    """The changes as choices for a new job."""
    choices: dict[str, Any] = {}
    for change in changes:
        if change.part == "method":
            choices["method"] = change.suggested
        else:
            choices.setdefault(change.part, {})[change.setting] = change.suggested
    return choices


def shown(value: Any) -> str:
    """A value as text: `0.0002`, `1,024`."""
    return f"{value:g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def _training(setting: str, now: Any, suggested: Any, *, accompanies: bool = False) -> SettingChange:
    title = TrainingConfig.model_fields[setting].title or setting
    return SettingChange("training", setting, title, now, suggested, accompanies)


def _smaller_tuner(method: Method) -> list[SettingChange]:
    """The field that a method marks with `less_memory`, times the factor given there: half the rank, twice the
    reduction.

    A field that it names under `scales` is multiplied by the same factor: LoRA's output is multiplied by alpha / rank,
    so halving both leaves the adapter's scale as it was.
    """
    for name, field in type(method).model_fields.items():
        extra: Any = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        value, factor = getattr(method, name), extra.get("less_memory")
        applies = all(getattr(method, other) in allowed for other, allowed in extra.get("when", {}).items())
        if factor is None or not applies or int(value * factor) in (0, value):
            continue
        changes = [_method_setting(method, name, factor)]
        if (other := extra.get("scales")) and int(getattr(method, other) * factor) >= 1:
            changes.append(_method_setting(method, other, factor, accompanies=True))
        return changes
    return []


def _method_setting(method: Method, name: str, factor: float, *, accompanies: bool = False) -> SettingChange:
    value, title = getattr(method, name), type(method).model_fields[name].title or name
    return SettingChange("method_config", name, title, value, int(value * factor), accompanies)
