"""One registry for every kind of thing that can be added with one file and one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Generic, TypeVar

from core.errors import NotFound

T = TypeVar("T")


class Registry(Generic[T]):
    """Entries by their id, in the order in which they were added.

        METHODS: Final = Registry[type[Method]]("fine-tuning method")
        METHODS.add(LoRA)

    Args:
        kind: what one entry is, as the two error messages name it ("fine-tuning method").
        key: reads an entry's id; its `id` attribute by default.
    """

    def __init__(self, kind: str, *, key: Callable[[T], str] = attrgetter("id")) -> None:
        self.kind = kind
        self._key = key
        self._entries: dict[str, T] = {}

    def add(self, entry: T) -> T:
        """Add an entry and return it, so that `add` also works as a decorator.

        Raises:
            ValueError: the id is taken.
        """
        entry_id = self._key(entry)
        if entry_id in self._entries:
            raise ValueError(f"There are two entries of the kind {self.kind!r} with the id {entry_id!r}.")
        self._entries[entry_id] = entry
        return entry

    def get(self, entry_id: str) -> T:
        """The entry with this id.

        Raises:
            NotFound: names the ids that exist.
        """
        try:
            return self._entries[entry_id]
        except (KeyError, TypeError):  # TypeError: the id is not hashable
            known = ", ".join(self._entries) or "none exist yet"
            raise NotFound(f"Unknown {self.kind}: {entry_id!r}.", f"Choose one of: {known}.") from None

    def ids(self) -> tuple[str, ...]:
        """All ids, in order."""
        return tuple(self._entries)

    def __iter__(self) -> Iterator[T]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, entry_id: object) -> bool:
        return isinstance(entry_id, str) and entry_id in self._entries  # any other value may not be hashable
