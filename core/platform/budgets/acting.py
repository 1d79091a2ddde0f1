"""Who is acting, and why beyond a budget: set once by a face, read where a reservation is made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True, slots=True)
class Actor:
    """A person ("" where sign-in is off), and their reason to exceed a budget ("" for none)."""

    person: str = ""
    override_reason: str = ""


_NO_ONE: Final = Actor()
_ACTOR: Final[ContextVar[Actor]] = ContextVar("actor", default=_NO_ONE)


def actor() -> Actor:
    """Who is acting in this context."""
    return _ACTOR.get()


@contextmanager
def acting(person: str | None = None, override_reason: str | None = None) -> Iterator[None]:
    """What is reserved inside is recorded under this person, and may exceed a budget for this reason.

    Args:
        person, override_reason: None leaves it as it is.
    """
    before = _ACTOR.get()
    now = before if person is None else replace(before, person=person)
    token = _ACTOR.set(now if override_reason is None else replace(now, override_reason=override_reason.strip()))
    try:
        yield
    finally:
        _ACTOR.reset(token)
