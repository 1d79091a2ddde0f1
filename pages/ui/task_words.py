"""How jobs and tasks are said on the screens: states in their order, phases, kinds, guesses as ranges."""

from __future__ import annotations

from typing import Any

from core.models.methods import METHODS
from core.services.platform import tasks
from pages.ui.format import number, plural, size

ORDER = ("running", "validating", "queued", "pending", "paused", "succeeded", "failed", "cancelled")
TERMINAL = frozenset({"succeeded", "failed", "cancelled"})
MOVING = frozenset(ORDER) - TERMINAL  # may change while one looks (a paused one by another person): worth polling

_PHASES = ((10.0, "Validating the dataset"), (20.0, "Submitting"), (95.0, "Training"), (101.0, "Creating the model"))
_COMMANDS = {
    "pause": "Pausing at the next step",
    "stop": "Stopping at the next step, the model is kept",
    "cancel": "Cancelling at the next step",
    "keep": "The last checkpoint is being made a model",
}


def phase_of(progress: float) -> str:
    """The phase that a progress of 0 to 100 % lies in."""
    return next(name for end, name in _PHASES if progress < end)


def kind(task_kind: str) -> tuple[str, str]:
    """(word, icon) of a kind of background task."""
    known = tasks.kind(task_kind)
    return known.title, known.icon


def command(word: str) -> str:
    """What a running task has been told to do; empty where nothing was asked."""
    return _COMMANDS.get(word, "")


def why(reason: str | None) -> str:
    """Why something waits, as a sentence that begins with a capital."""
    return f"{reason[0].upper()}{reason[1:]}" if reason else ""


def time_range(low: float, high: float) -> str:
    """A guessed time as a range in one unit: `36 to 42 min`."""
    unit, size, digits = ("s", 1, 0) if high < 120 else ("min", 60, 0) if high < 7200 else ("h", 3600, 1)
    first, last = f"{low / size:.{digits}f}", f"{high / size:.{digits}f}"
    return f"about {last} {unit}" if first == last else f"{first} to {last} {unit}"


def loss(value: float | None) -> str:
    """A loss with three decimals; very small ones keep two figures."""
    if value is None:
        return "–"
    return f"{value:.3f}" if value >= 0.001 or value == 0 else f"{value:.1e}"


def share(value: float | None) -> str:
    """A share of 0..1 as a percentage."""
    return "–" if value is None else f"{100 * value:.1f}%" if value < 0.9995 else "100%"


def setting(raw: Any) -> str:
    """A setting as a person writes it: `0.002`, `2e-05`, `yes`, `cosine`."""
    if isinstance(raw, bool):
        return "yes" if raw else "no"
    if isinstance(raw, float):
        return f"{raw:g}"
    if isinstance(raw, list | tuple):
        return ", ".join(setting(item) for item in raw) or "none"
    return "–" if raw is None else str(raw)


def setting_of(field: Any, raw: Any) -> str:
    """A setting in the words of its form: `All linear layers`, `off`, `0.002`."""
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    return str((extra.get("labels") or {}).get(str(raw)) or setting(raw))


def choice(raw: Any) -> str:
    """A suggested setting: as `setting`, and the id of a method by its title."""
    return METHODS.get(raw).title if isinstance(raw, str) and raw in METHODS else setting(raw)


def dataset_facts(version: Any, statistics: Any) -> list[tuple[str, str]]:
    """What is worth knowing of a dataset before training on it, as name and value."""
    held = version.validation_examples
    rows = [
        ("Labeled Examples", plural(version.examples, "pair")),
        ("Trained on", plural(version.train_examples, "pair")),
        ("Held out", plural(held, "pair") if held else "none, so there is no validation curve"),
        ("Length", f"about {number(round(statistics.tokens_mean))} tokens, the longest {statistics.tokens_max:,}"),
        ("Tokens in all", f"about {statistics.tokens_total:,}"),
        ("Size", size(version.size_bytes)),
    ]
    if statistics.multi_turn:
        rows.append(("Several turns", plural(statistics.multi_turn, "conversation")))
    if statistics.with_system:
        rows.append(("System message", f"in {statistics.with_system:,}"))
    if statistics.distinct_labels:
        rows.append(("Distinct outputs", f"{statistics.distinct_labels:,}"))
    return rows
