"""Which settings would help after a failure, as data: the message, the job's screen and the command line say the same.

A cause of failure that a change of settings can mend is one function and one line in `REMEDIES`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from core.models.methods import METHODS, recommended_method
from core.models.methods.base import Method
from core.training.jobs.spec import ResolvedTraining, TrainingConfig

MOST: Final = 3  # changes at once: what would help least is left out
SHORTEST: Final = 64  # tokens; the lowest maximum length that can be set
MOST_ACCUMULATION: Final = 256  # batches; the most that can be set


@dataclass(frozen=True, slots=True)
class Change:
    """One setting to change: where it belongs, its value now and the suggested one.

    `part` is `training` (general settings), `method_config` (the method's own) or `method` (another method);
    `accompanies` one that only keeps the sense of the change before it.
    """

    part: Literal["training", "method_config", "method"]
    setting: str
    title: str
    now: Any
    suggested: Any
    accompanies: bool = False


def remedies(cause: str, training: ResolvedTraining, method: Method, examples: int) -> tuple[Change, ...]:
    """The changes that would help against a cause of failure; () where no setting does.

    Args:
        examples: how many are trained on.
    """
    found = REMEDIES.get(cause)
    return found(training, method, examples) if found else ()


def for_memory(training: ResolvedTraining, method: Method, examples: int) -> tuple[Change, ...]:
    """Less memory, what costs least first: activations computed again, a smaller batch (the same examples to a step),
    shorter examples, and fewer weights that are trained; the first three of these that apply.

    The batch is made smaller by accumulation, so that the run learns the same; a batch holds no more than all examples.
    """
    found: list[Change] = []
    asked, length = training.per_device_batch_size, training.max_seq_length
    batch = min(asked, examples)
    if training.gradient_checkpointing == "off" and method.recomputes:
        found.append(_training("gradient_checkpointing", "off", "on"))
    if batch > 1:
        smaller, now = batch // 2, training.gradient_accumulation_steps
        found.append(_training("per_device_batch_size", asked, smaller))
        more = min(MOST_ACCUMULATION, now * batch // smaller)
        if more != now:
            found.append(_training("gradient_accumulation_steps", now, more, accompanies=True))
    if length > SHORTEST:
        found.append(_training("max_seq_length", length, max(SHORTEST, length // 2)))
    if method.peft_type is None:
        found.append(Change("method", "method", "Method", method.title, recommended_method().id))
    else:
        found += _smaller_tuner(method)
    return _first(found, MOST)


def _first(changes: Sequence[Change], count: int) -> tuple[Change, ...]:
    """So many changes, each with what accompanies it."""
    kept: list[Change] = []
    for change in changes:
        count -= not change.accompanies
        if count < 0:
            break
        kept.append(change)
    return tuple(kept)


def for_divergence(training: ResolvedTraining, method: Method, examples: int) -> tuple[Change, ...]:
    """A tenth of the learning rate."""
    tenth = float(f"{training.learning_rate / 10:.2g}")
    return (_training("learning_rate", training.learning_rate, tenth),)


REMEDIES: Final[dict[str, Callable[[ResolvedTraining, Method, int], tuple[Change, ...]]]] = {
    "out_of_memory": for_memory,
    "diverged": for_divergence,
}

BESIDES: Final = {  # what would help too and is none of the settings above
    "out_of_memory": "A smaller base model needs less memory as well.",
    "diverged": "A longer warm-up can help as well.",
}


def as_text(changes: Sequence[Change]) -> str:
    """The changes as the middle of a sentence: `set the batch size to 2 (now 4); set the rank to 4 (now 8)`."""
    text = ""
    for change in changes:
        joint = "" if not text else " and " if change.accompanies else "; "
        text += joint + _said(change)
    return text


def _said(change: Change) -> str:
    if change.part == "method":
        return f"choose {METHODS.get(change.suggested).title} instead of {change.now}"
    title = f"{change.title[0].lower()}{change.title[1:]}"
    said = f"{title} to {shown(change.suggested)} (now {shown(change.now)})"
    return said if change.accompanies else f"set the {said}"


def as_choices(changes: Sequence[Change]) -> dict[str, Any]:
    """The changes as `jobs.retry_with` takes them."""
    choices: dict[str, Any] = {}
    for change in changes:
        if change.part == "method":
            choices["method"] = change.suggested
        else:
            choices.setdefault(change.part, {})[change.setting] = change.suggested
    return choices


def shown(value: Any) -> str:
    """A value as people write it: `0.0002`, `1,024`."""
    return f"{value:g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def _training(setting: str, now: Any, suggested: Any, *, accompanies: bool = False) -> Change:
    title = TrainingConfig.model_fields[setting].title or setting
    return Change("training", setting, title, now, suggested, accompanies)


def _smaller_tuner(method: Method) -> list[Change]:
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


def _method_setting(method: Method, name: str, factor: float, *, accompanies: bool = False) -> Change:
    value, title = getattr(method, name), type(method).model_fields[name].title or name
    return Change("method_config", name, title, value, int(value * factor), accompanies)
