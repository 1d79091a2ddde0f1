"""The account of a file's rows: how many are accepted, how many are left out, and why; before and after a conversion.

One definition for the screens and the command line.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from core.data.conversion.fields import FIRST_REJECTS
from core.data.conversion.labeling import Labeler, Recipe
from core.data.issues import ISSUES
from core.data.versions.files import reject_line
from core.errors import NotFound, StorageError
from core.messages import Finding, Reject
from core.services.data import datasets, sources
from core.services.data.conversion import Account
from core.services.data.datasets import VersionRecord
from core.services.data.results import ConversionResult
from core.text import plural

_RAW = 300  # characters of a row that are shown


@dataclass(frozen=True, slots=True)
class LeftOutRow:
    """One row that cannot become an example, and its first reason."""

    line: int
    raw: str
    reason: Finding


@dataclass(frozen=True, slots=True)
class LeftOutReason:
    """The rows that are left out for one reason: the code of a finding and its title."""

    code: str
    title: str
    rows: int


@dataclass(frozen=True, slots=True)
class RowsAccount:
    """What becomes of rows: `read` = `accepted` + `left_out`.

    Attributes:
        of_rows: rows in the complete file; more than `read` where only the first ones were looked at.
        reasons: the most frequent first.
        first: the first rows that are left out, at most `FIRST_REJECTS`.
    """

    read: int
    accepted: int
    left_out: int
    of_rows: int
    reasons: tuple[LeftOutReason, ...]
    first: tuple[LeftOutRow, ...]

    @property
    def sentence(self) -> str:
        """`43 rows = 32 accepted + 11 left out`."""
        some = self.read < self.of_rows
        rows = f"the first {self.read:,} of {self.of_rows:,} rows" if some else plural(self.read, "row")
        return f"{rows[0].upper()}{rows[1:]} = {self.accepted:,} accepted + {self.left_out:,} left out"

    @property
    def others(self) -> tuple[LeftOutReason, ...]:
        """The reasons of the rows that are not among `first`."""
        shown = Counter(row.reason.code for row in self.first)
        rest = ((reason, reason.rows - shown[reason.code]) for reason in self.reasons)
        return tuple(LeftOutReason(reason.code, reason.title, rows) for reason, rows in rest if rows > 0)


def expected(account: Account, of_rows: int) -> RowsAccount:
    """The account of the first rows of a file, before anything is created.

    Args:
        of_rows: rows in the complete file.
    """
    counts = {code: rows for code, rows, _ in account.reasons}
    left_out = account.rows - account.accepted
    rows = max(of_rows, account.rows)
    return RowsAccount(account.rows, account.accepted, left_out, rows, _reasons(counts), _first(account.rejects))


def of_result(result: ConversionResult) -> RowsAccount:
    """The account of a finished conversion or import; without its reasons where the dataset was deleted."""
    reasons, first = _left_out(result.dataset_id) if result.rejected else ((), ())
    return RowsAccount(result.read, result.accepted, result.rejected, result.read, reasons, first)


def of_version(version: VersionRecord) -> RowsAccount | None:
    """The account of the rows that the dataset of a version was made from; None where no row was left out.

    What was left out at first is in no later version either.
    """
    counts = version.manifest.counts
    if not (version.rows_left_out and counts.read):
        return None
    accepted = counts.read - version.rows_left_out
    return RowsAccount(counts.read, accepted, version.rows_left_out, counts.read, *_left_out(version.dataset_id))


def left_out_before(source_id: str, state: Mapping[str, Any]) -> Iterator[bytes]:
    """The rows of an upload that would be left out, before anything is created, as `datasets.rejects` has them after.

    Args:
        state: the choices of a draft.
    """
    recipe = Recipe.of(state)
    if recipe.options.get("empty") == "fail":  # which row stops the conversion is for the conversion to say
        recipe = replace(recipe, options={**recipe.options, "empty": "skip"})
    for item in Labeler(recipe, source_id).run(sources.read(source_id)):
        if isinstance(item, Reject):
            yield reject_line(item).encode()


def _left_out(dataset_id: str) -> tuple[tuple[LeftOutReason, ...], tuple[LeftOutRow, ...]]:
    """Why rows were left out when a dataset was made, and the first of them; nothing where it was deleted."""
    try:
        return _of_first(f"{dataset_id}-v1")
    except (NotFound, StorageError):
        return (), ()


@lru_cache(maxsize=256)  # a first version never changes
def _of_first(version_id: str) -> tuple[tuple[LeftOutReason, ...], tuple[LeftOutRow, ...]]:
    counts: Counter[str] = Counter()
    first: list[Reject] = []
    for reject in _stored(version_id):
        counts.update(found.code for found in reject.findings[:1])
        first += [reject] if len(first) < FIRST_REJECTS else []
    return _reasons(counts), _first(first)


def _reasons(counts: Mapping[str, int]) -> tuple[LeftOutReason, ...]:
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return tuple(LeftOutReason(code, _title(code), rows) for code, rows in ordered)


def _title(code: str) -> str:
    return ISSUES.get(code).title if code in ISSUES else code.replace("_", " ")


def _first(rejects: Sequence[Reject]) -> tuple[LeftOutRow, ...]:
    rows = ((reject, next(iter(reject.findings), None)) for reject in rejects[:FIRST_REJECTS])
    return tuple(LeftOutRow(reject.line, reject.raw[:_RAW], reason) for reject, reason in rows if reason)


def _stored(version_id: str) -> Iterator[Reject]:
    """The rejects of a version, read only as far as they are needed. Raises NotFound."""
    for line in _lines(datasets.rejects(version_id)):
        content = json.loads(line)
        yield Reject(content["line"], content["raw"], tuple(Finding(**item) for item in content["findings"]))


def _lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    parts: list[bytes] = []  # of a line that is not complete
    for block in blocks:
        first, *more = block.split(b"\n")
        parts.append(first)
        for part in more:
            yield b"".join(parts)
            parts = [part]
