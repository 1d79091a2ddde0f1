"""Forwards that modules have for a while."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def swapped(modules: Iterable[Any], forward: Callable[[Any], Callable[..., Any]]) -> Iterator[int]:
    """Give each module the forward that is made for it; how many there were. Afterwards all have their own again."""
    changed = list(modules)
    for module in changed:
        module.forward = forward(module)
    try:
        yield len(changed)
    finally:
        for module in changed:
            del module.forward
