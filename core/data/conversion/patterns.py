"""`{{column}}` patterns: plain substitution, never evaluation.

A pattern is split into texts and names once. Filling it replaces each name by the cell's text and does not parse the
result, so a cell with `{{other}}` or `{x.__class__}` is inserted unchanged.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from core.data.issues import data_error


@dataclass(frozen=True, slots=True)
class Pattern:
    """Texts and column names, alternating: `parts[0] name[0] parts[1] name[1] ... parts[-1]`."""

    texts: tuple[str, ...]
    names: tuple[str, ...]

    @classmethod
    def parse(cls, text: str, known: Collection[str] | None = None, *, where: str = "", field: str = "") -> Pattern:
        """Split a pattern and check its names.

        Args:
            known: the allowed names; None: the pattern was checked before.
            where, field: title and name of the option the pattern belongs to, for the error.

        Raises:
            DataError: code column_missing; lists the existing columns.
        """
        pieces = _pieces(text)
        names = tuple(name if known and name in known else name.strip() for name in pieces[1::2])
        for name in names:
            if known is not None and name not in known:
                listed = ", ".join(sorted(known)[:20])
                raise data_error(
                    "column_missing",
                    f"There is no column {name!r} for {{{{{name}}}}}" + (f" in “{where}”." if where else "."),
                    f"Use one of: {listed}.",
                    field=field or name,
                )
        return cls(tuple(pieces[::2]), names)

    def fill(self, values: Mapping[str, str]) -> str:
        """The text with every name replaced by its value."""
        out = [self.texts[0]]
        for name, text in zip(self.names, self.texts[1:], strict=True):
            out.append(values[name])
            out.append(text)
        return "".join(out)


def _pieces(text: str) -> list[str]:
    """Texts and slots, alternating. Searched for by hand: `{{` a million times without an end would cost a regular
    expression hours."""
    pieces, at = [], 0
    while (start := text.find("{{", at)) >= 0 and (end := text.find("}}", start + 2)) >= 0:
        pieces += [text[at:start], text[start + 2 : end]]
        at = end + 2
    return [*pieces, text[at:]]
