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
    """The engine of a run. `asked` is the setting (`auto` or an id), `reason` why this engine was chosen."""

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
        probe: test the engine in a separate process if that was not done yet (tens of seconds), instead of assuming
            that an installed engine works.

    Raises:
        NotFound: no such engine. SettingsError: the named engine cannot do this here; says why.
    """
    if asked != AUTO:
        if asked not in ENGINES:
            known = ", ".join((AUTO, *ENGINES.ids()))
            raise NotFound(f"Unknown training engine: {asked!r}.", f"Choose one of: {known}.")
        engine = ENGINES.get(asked)
        if problem := engine.supports(method) or engine.available(probe=probe):
            raise SettingsError(f"{engine.title} cannot train this here: {problem}", engine.remedy)
        return Choice(engine.id, asked, "chosen by you")
    skipped: list[str] = []
    for engine in ENGINES:
        problem = engine.supports(method) or engine.available(probe=probe)
        if not problem:
            return Choice(engine.id, AUTO, " ".join([engine.why, *skipped]))
        skipped.append(f"{engine.title} is not used: {problem}")
    raise SettingsError(f"No engine can train {method.title} here: {' '.join(skipped)}", "Choose another method.")


def settle(engine: str, asked: str, method: Method) -> Choice:
    """The engine with which a worker runs a frozen spec: the one in the spec, or what *auto* chooses here.

    The latter only if this machine cannot use the former and the user did not name it; settings and results are the
    same, speed and memory differ.

    Raises:
        SettingsError: the engine was named by the user and is not usable here; says why, and what to do.
    """
    try:
        return choose(engine, method, probe=True)
    except SettingsError as error:
        if asked != AUTO:
            raise SettingsError(error.message, f"{error.remedy} A new job with the engine auto runs here.") from error
        instead = choose(AUTO, method, probe=True)
        return Choice(instead.engine, AUTO, f"{error.message} {instead.title} is used.")
