"""Attributes replaced for the duration of a block."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def patched(changes: Iterable[tuple[Any, str, Any]]) -> Iterator[int]:
    """Set attributes, given as (object, name, value), and restore what was there before on exit.

    Yields:
        How many attributes were set.
    """
    changes = list(changes)
    before = [vars(target).get(name) for target, name, _ in changes]
    for target, name, value in changes:
        setattr(target, name, value)
    try:
        yield len(changes)
    finally:
        for (target, name, _), value in zip(changes, before, strict=True):
            if value is None:
                delattr(target, name)
            else:
                setattr(target, name, value)
