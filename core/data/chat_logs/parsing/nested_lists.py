"""Lists inside the objects of a JSON document of any size: each element with the other members of its object."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.data.formats.parsing import strict_json
from core.data.formats.parsing.json_text import JsonText
from core.data.formats.parsing.text import open_text
from core.errors import DataError
from core.messages import Reject, Row

Members = dict[str, Any]


class NestedLists(JsonText):
    """A JSON text in which objects contain a long list, such as the messages of a chat.

    An object is never in memory as a whole: the members before its list are, and then one element after another.
    """

    def __init__(self, path: Path, codec: str = "utf-8-sig") -> None:
        super().__init__(path, codec)
        self._file, self._encoding = path, codec

    def elements(self, outer: tuple[str, ...], inner: str) -> Iterator[tuple[Members, Row | Reject]]:
        """Each element of a list, and the members before the list; nothing if there is no such list.

        Args:
            outer: the keys that lead to the array of objects; (): the document is the only object, or the array.
            inner: the key of the list in each object.
        """
        with open_text(self._file, self._encoding) as stream:
            self._begin(stream)
            try:
                if not all(self._enter(key) for key in outer):
                    return
                if self._peek() == "{":
                    yield from self._object(inner)
                elif self._peek() == "[":
                    yield from self._objects(inner)
            except DataError:  # a key that is not JSON: nothing after it can be found
                return

    def _objects(self, inner: str) -> Iterator[tuple[Members, Row | Reject]]:
        self._skip(1)
        while self._peek() == "{":
            yield from self._object(inner)
            if self._peek() == ",":
                self._skip(1)

    def _object(self, inner: str) -> Iterator[tuple[Members, Row | Reject]]:
        """The elements of the list in the object that starts here; the object is read to its end."""
        members: Members = {}
        self._skip(1)
        while self._peek() == '"':
            name = self._key()
            if self._peek() != ":":
                return
            self._skip(1)
            if name == inner and self._peek() == "[":
                self._skip(1)
                for element in self._elements():
                    yield members, element
            else:
                members[name] = self._member()
            if self._peek() == ",":
                self._skip(1)
        if self._peek() == "}":
            self._skip(1)

    def _member(self) -> Any:
        """The value that starts here; None if it is damaged or very long."""
        piece = self._cut(between=True)
        try:
            return strict_json.loads(piece.text, line=piece.line) if piece.length < 1 << 20 else None
        except DataError:
            return None
