"""The words for jobs and tasks on the screens: phases, kinds, commands."""

from __future__ import annotations

from core.services.platform import tasks

MOVING = frozenset(tasks.STATES) - tasks.TERMINAL  # polled: another user may resume a paused one

_PHASES = ((10.0, "Validating the dataset"), (20.0, "Submitting"), (95.0, "Training"), (101.0, "Creating the model"))
_COMMANDS = {
    "pause": "Pausing at the next step",
    "stop": "Stopping at the next step and saving the model",
    "cancel": "Canceling at the next step",
    "keep": "Saving the last checkpoint as a model",
}


def phase_of(progress: float) -> str:
    """The phase of a job at this progress, 0 to 100 %."""
    return next(name for end, name in _PHASES if progress < end)


def kind(task_kind: str) -> tuple[str, str]:
    """(title, icon) of a kind of background task."""
    known = tasks.kind(task_kind)
    return known.title, known.icon


def command(word: str) -> str:
    """The command a running task is carrying out; "" if there is none."""
    return _COMMANDS.get(word, "")


def why(reason: str | None) -> str:
    """The reason why a task is waiting, starting with a capital letter."""
    return f"{reason[0].upper()}{reason[1:]}" if reason else ""
