"""Live figures of the process that answers: what is open, how fast it writes, what is in memory."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any, Final

from core.services.serving import served
from core.serving.targets.studio import Studio
from core.settings import get_settings

FRESH_S: Final = 1.0  # all screens of a web process share one question to the inference process
BUSY_S: Final = 30.0  # since its last token, in which figures are worth watching
QUIET_S: Final = 600.0  # after which it is left alone


@dataclass(frozen=True, slots=True)
class ServingFigures:
    """The inference process now.

    Attributes:
        answered: since it began. idle_s: since its last token; None before its first.
        tokens_per_s: in the last seconds with tokens, over all open answers.
        memory_bytes: of the process and its children.
        loaded: the titles of the models in memory.
    """

    open: int
    waiting: int
    answered: int
    tokens_per_s: float
    idle_s: float | None
    memory_bytes: int
    loaded: tuple[str, ...]

    @property
    def is_busy(self) -> bool:
        """Whether it answers, or has just answered."""
        return self.open > 0 or (self.idle_s is not None and self.idle_s < BUSY_S)

    @property
    def is_quiet(self) -> bool:
        """Whether it answered some minutes ago, and may again."""
        return not self.is_busy and self.idle_s is not None and self.idle_s < QUIET_S


_lock = threading.Lock()
_known: dict[str, tuple[float, ServingFigures | None]] = {}  # by address, with the moment


def figures() -> ServingFigures | None:
    """The figures, at most a second old; None where the process does not respond."""
    with _lock:
        address = get_settings().inference_url
        asked_at, found = _known.get(address, (float("-inf"), None))
        if time.monotonic() - asked_at > FRESH_S:
            found = _read(Studio().figures())
            _known[address] = (time.monotonic(), found)
        return found


def _read(health: dict[str, Any] | None) -> ServingFigures | None:
    if health is None:
        return None
    idle = health.get("idle_s")
    loaded = [str(name) for name in health.get("loaded", ())]
    titles = {one.id: one.title for one in served.served_models()} if loaded else {}
    return ServingFigures(
        open=int(health.get("open", 0)),
        waiting=int(health.get("waiting", 0)),
        answered=int(health.get("answered", 0)),
        tokens_per_s=float(health.get("tokens_per_s", 0)),
        idle_s=None if idle is None else float(idle),
        memory_bytes=int(health.get("memory_bytes", 0)),
        loaded=tuple(titles.get(name, name) for name in loaded),
    )
