"""Who is acting, and why beyond a budget: set by a face, read where work is reserved, started or fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True, slots=True)
class Actor:
    """A person ("" where sign-in is off), and their reason to exceed a budget ("" for none).

    `program`: the name is that of a program's API key.
    """

    person: str = ""
    override_reason: str = ""
    program: bool = False

    @property
    def concerned(self) -> str:
        """Whom notices of the work concern; "" for everyone, as with a program's work: no person would see them."""
        return "" if self.program else self.person


_ACTOR: Final[ContextVar[Actor | None]] = ContextVar("actor", default=None)
_finders: list[Callable[[], str]] = []  # of the process's face


def actor() -> Actor:
    """Who is acting in this context: as set by `acting`, else as the face of this process finds."""
    now = _ACTOR.get()
    if now is not None:
        return now
    return Actor(next((name for find in _finders if (name := find())), ""))


def find_person_by(find: Callable[[], str]) -> None:
    """Let a face say who is acting where nothing else was set, such as in a callback of a button.

    Args:
        find: the name of the signed-in person, "" outside of a request of theirs; cheap.
    """
    _finders[:] = [find]


@contextmanager
def acting(
    person: str | None = None, override_reason: str | None = None, *, program: bool | None = None
) -> Iterator[None]:
    """What is reserved and started inside is recorded under this person, and may exceed a budget for this reason.

    Args:
        person, override_reason, program: None leaves it as it is.
    """
    now = actor()
    now = now if person is None else replace(now, person=person)
    now = now if override_reason is None else replace(now, override_reason=override_reason.strip())
    token = _ACTOR.set(now if program is None else replace(now, program=program))
    try:
        yield
    finally:
        _ACTOR.reset(token)
