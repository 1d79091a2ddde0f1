"""What runs the training steps: the available engines, and which one a run uses, with the reason.

Plain data: nothing here imports torch. An engine's `module` names the worker module that loads and runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.errors import NotFound, SettingsError
from core.models.methods import Method
from core.registry import Registry
from core.training.engines.base import Engine
from core.training.engines.trl import Trl
from core.training.engines.unsloth import Unsloth

AUTO: Final = "auto"
ENGINES: Final = Registry[Engine]("training engine")
ENGINES.add(Unsloth())  # *auto* takes the first one that can do a run
ENGINES.add(Trl())


@dataclass(frozen=True, slots=True)
class Choice:
    """The engine of a run. `asked` is what was asked for (`auto` or an id), `reason` why it became this one."""

    engine: str
    asked: str
    reason: str

    @property
    def title(self) -> str:
        return ENGINES.get(self.engine).title


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
        if asked not in ENGINES:
            known = ", ".join((AUTO, *ENGINES.ids()))
            raise NotFound(f"Unknown training engine: {asked!r}.", f"Choose one of: {known}.")
        engine = ENGINES.get(asked)
        if problem := engine.supports(method) or engine.available(probe=probe):
            raise SettingsError(f"{engine.title} cannot train this here: {problem}", engine.remedy)
        return Choice(engine.id, asked, "chosen by you")
    passed: list[str] = []
    for engine in ENGINES:
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


__all__ = ["AUTO", "ENGINES", "Choice", "Engine", "choose", "settle"]
