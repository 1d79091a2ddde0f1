"""A dummy entry in a registry, for the time of a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from core.registry import Registry

T = TypeVar("T")


@contextmanager
def registered(registry: Registry[T], entry: T) -> Iterator[T]:
    """Add an entry; it is removed again afterwards."""
    before = dict(registry._entries)
    registry.add(entry)
    try:
        yield entry
    finally:
        registry._entries.clear()
        registry._entries.update(before)
