"""How jobs and tasks are said on the screens: states in their order, phases, kinds, guesses as ranges."""

from __future__ import annotations

from core.services.platform import tasks

ORDER = ("running", "validating", "queued", "pending", "paused", "succeeded", "failed", "cancelled")
MOVING = frozenset(tasks.STATES) - tasks.TERMINAL  # may still change (a paused one by another person): worth polling

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
