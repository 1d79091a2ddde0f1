"""Choices that would fit in memory: other batches, lengths and methods, each with its own forecast."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from core.errors import StudioError
from core.models.methods import METHODS, build
from core.models.methods.base import recomputes
from core.services.training.jobs.forecasting import forecast
from core.services.training.jobs.records import Alternative, Forecast
from core.text import size
from core.training import engines
from core.training.jobs.spec import ResolvedTraining
from core.training.providers import DEFAULT_PROVIDER

MOST_ALTERNATIVES: Final = 3
SHORTEST: Final = 64


def alternatives(
    outlook: Forecast,
    dataset_id: str,
    base_model: str,
    method: str,
    method_config: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    engine: str = engines.AUTO,
    provider: str = DEFAULT_PROVIDER,
) -> tuple[Alternative, ...]:
    """Up to three changes after which the run fits; () if it already fits, or if no change would help.

    Args:
        outlook: the forecast of the choices that follow, which are the arguments of `forecast`.
    """
    if outlook.memory.verdict == "fits":
        return ()
    found: list[Alternative] = []
    for title, changed_method, changes in _candidates(outlook, method):
        same = changed_method == method
        if not same and any(one.method == changed_method for one in found):  # it fits without a smaller batch
            continue
        settings = dict(method_config or {}) if same else {}
        asked = {**dict(training or {}), **changes}
        try:
            then = forecast(dataset_id, base_model, changed_method, settings, asked, engine, provider)
        except StudioError:  # not possible with this base
            continue
        if then.memory.verdict == "fits" and not then.answers_lost > outlook.answers_lost:
            text = f"{title}: {size(then.memory.low)} to {size(then.memory.high)}"
            found.append(Alternative(text, changed_method, settings, asked))
        if len(found) == MOST_ALTERNATIVES:
            break
    return tuple(found)


def _candidates(outlook: Forecast, method: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(text, method, training settings), the smallest change first; later ones include the smallest batch."""
    now = outlook.training
    batches = list(_batches(now))
    lengths = list(_lengths(outlook))
    if not recomputes(outlook.params, build(method), now.gradient_checkpointing):
        yield "Gradient checkpointing on", method, {"gradient_checkpointing": "on"}
    lighter = [other for other in METHODS.ids() if other != method]
    for words, changes in (*batches, *lengths):
        yield words, method, changes
    for other in lighter:
        yield METHODS.get(other).title, other, {}
    smallest = batches[-1] if batches else ("", {})
    for words, changes in lengths if batches else ():
        yield f"{smallest[0]}, {words[0].lower()}{words[1:]}", method, {**smallest[1], **changes}
    for other in lighter if batches else ():
        yield f"{METHODS.get(other).title}, {smallest[0][0].lower()}{smallest[0][1:]}", other, smallest[1]


def _batches(now: ResolvedTraining) -> Iterator[tuple[str, dict[str, Any]]]:
    """Half the batch, then a batch of one, with more accumulation, so that a step has as many examples."""
    for batch in dict.fromkeys((now.per_device_batch_size // 2, 1)):
        if 1 <= batch < now.per_device_batch_size:
            steps = now.effective_batch_size // batch
            words = f"Batch size {batch}, {steps} accumulated"
            yield words, {"per_device_batch_size": batch, "gradient_accumulation_steps": steps}


def _lengths(outlook: Forecast) -> Iterator[tuple[str, dict[str, Any]]]:
    """Half of the maximum length (and half of that), if no more answers are lost by it."""
    length = outlook.training.max_seq_length
    for shorter in (length // 2, length // 4):
        if shorter >= SHORTEST and outlook.lengths.answers_lost(shorter) <= outlook.answers_lost:
            cut = outlook.lengths.over(shorter)
            note = f" ({cut:,} examples cut off)" if cut else ""
            yield f"Maximum length {shorter:,}{note}", {"max_seq_length": shorter}
