"""What depends on a thing that is about to be deleted: screens and the command line name it before it happens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core.errors import Conflict
from core.text import plural

NAMED: Final = 5  # names in one sentence


@dataclass(frozen=True, slots=True)
class Dependents:
    """The names of what depends on something. `unfinished` work prevents the deletion; `text` says what happens."""

    jobs: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()
    text: str = ""
    agents: tuple[str, ...] = ()  # that answer with a model: they need another one before it is deleted
    datasets: tuple[str, ...] = ()  # mixes of a dataset; they have their own examples


def named(names: Sequence[str], one: str) -> str:
    """`2 jobs (first, second)`, with the first names only where there are many."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{plural(len(names), one)} ({', '.join(names[:NAMED])}{more})"


def are(names: Sequence[str]) -> str:
    """`is` for one name, `are` for several."""
    return "is" if len(names) == 1 else "are"


def confirm(what: str, name: str, typed: str) -> None:
    """Raise Conflict unless the typed name is that of the thing to delete."""
    if typed.strip() != name:
        raise Conflict(f"“{typed}” is not the name of this {what}.", f"Type “{name}” to delete it.")
