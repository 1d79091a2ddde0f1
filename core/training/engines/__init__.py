"""What runs the steps of a training: which engines there are, and which one a run takes, with the reason in words.

Plain data: nothing here imports torch. The code of an engine is `worker/training/engines/<id>.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.errors import NotFound, SettingsError
from core.models.methods import Method
from core.training.engines.base import Engine
from core.training.engines.trl import Trl
from core.training.engines.unsloth import Unsloth

AUTO: Final = "auto"
ENGINES: Final[dict[str, Engine]] = {}


@dataclass(frozen=True, slots=True)
class Choice:
    """The engine of a run. `asked` is what was asked for (`auto` or an id), `reason` why it became this one."""

    engine: str
    asked: str
    reason: str

    @property
    def title(self) -> str:
        return ENGINES[self.engine].title


def add(engine: Engine) -> None:
    """Put an engine into the registry; the first that can do a run is what *auto* takes.

    Raises:
        ValueError: an engine with this id is there already.
    """
    if engine.id in ENGINES or engine.id == AUTO:
        raise ValueError(f"There are two engines with the id {engine.id!r}.")
    ENGINES[engine.id] = engine


add(Unsloth())
add(Trl())


def get_engine(engine_id: str) -> Engine:
    """The engine of an id.

    Raises:
        NotFound: names the ids that exist.
    """
    if engine_id not in ENGINES:
        known = ", ".join([AUTO, *ENGINES])
        raise NotFound(f"There is no training engine {engine_id!r}.", f"Choose one of: {known}.")
    return ENGINES[engine_id]


def choose(asked: str, method: Method, *, probe: bool = False) -> Choice:
    """The engine for a method on this machine.

    Args:
        asked: `auto` or an engine's id.
        probe: try the engine in a process of its own where that was not done yet (tens of seconds), instead of taking
            what is installed for usable.

    Raises:
        NotFound: no such engine. SettingsError: one was asked for by its id and cannot do this here; says why.
    """
    if asked != AUTO:
        engine = get_engine(asked)
        if problem := engine.supports(method) or engine.available(probe=probe):
            raise SettingsError(f"{engine.title} cannot train this here: {problem}", engine.remedy)
        return Choice(engine.id, asked, "chosen by you")
    passed: list[str] = []
    for engine in ENGINES.values():
        problem = engine.supports(method) or engine.available(probe=probe)
        if not problem:
            return Choice(engine.id, AUTO, " ".join([engine.why, *passed]))
        passed.append(f"{engine.title} is not used: {problem}")
    raise SettingsError(f"No engine can train {method.title} here: {' '.join(passed)}", "Choose another method.")


def settle(engine: str, asked: str, method: Method) -> Choice:
    """The engine with which a worker runs a frozen spec: the spec's, or, where this machine cannot use that one and
    nobody asked for it by name, the one that *auto* takes here (the same settings; only speed and memory differ).

    Raises:
        SettingsError: it was asked for by name and is not usable here; says why, and what to do.
    """
    try:
        return choose(engine, method, probe=True)
    except SettingsError as error:
        if asked != AUTO:
            raise SettingsError(error.message, f"{error.remedy} A new job with the engine auto runs here.") from error
        instead = choose(AUTO, method, probe=True)
        return Choice(instead.engine, AUTO, f"{error.message} {instead.title} is used.")


__all__ = ["AUTO", "ENGINES", "Choice", "Engine", "add", "choose", "get_engine", "settle"]
