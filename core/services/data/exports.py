"""Export a version as a file for other tools; what a format cannot carry is reported before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from core.data.versions import files, reader
from core.data.versions.exports import EXPORTS, LOSSES, ExportFormat
from core.services.data.datasets.records import get_dataset, get_version, version_file

__all__ = ["EXPORTS", "ExportFormat", "Loss", "export", "filename", "losses"]


@dataclass(frozen=True, slots=True)
class Loss:
    """Something that the file would lose: in how many examples, and a sentence about it."""

    code: str
    count: int
    text: str


def losses(version_id: str, format: str, split: str | None = None, *, keep_formulas: bool = False) -> list[Loss]:
    """What an export would lose, with the number of examples concerned; [] where nothing is lost.

    Args:
        keep_formulas: see `export`.

    Raises:
        NotFound: no such format or version.
    """
    chosen = EXPORTS.get(format)
    counts: dict[str, int] = {}
    splits: set[str] = set()
    total = 0
    for example in reader.iterate(version_file(version_id, files.EXAMPLES), split):
        total += 1
        splits.add(example.split)
        for code in chosen.losses(example):
            counts[code] = counts.get(code, 0) + 1
    if len(splits) < 2:
        counts.pop("split", None)
    if keep_formulas and "formula" in counts:
        counts["formula_kept"] = counts.pop("formula")
    if total and total == counts.get("left_out", 0) + counts.get("no_pair", 0):
        counts["nothing"] = total
    return [Loss(code, counts[code], _sentence(code, counts[code])) for code in LOSSES if code in counts]


def export(version_id: str, format: str, split: str | None = None, *, keep_formulas: bool = False) -> Iterator[bytes]:
    """The bytes of the file, streamed.

    Args:
        format: an id in EXPORTS.
        split: train, validation or test; None: all.
        keep_formulas: cells that a spreadsheet would run are not changed; for programs that read the file.

    Raises:
        NotFound: no such format or version, at the call and not in the middle of the file.
    """
    chosen = EXPORTS.get(format)
    write = (chosen.write_unchanged if keep_formulas else None) or chosen.write
    return write(version_file(version_id, files.EXAMPLES), split)


def filename(version_id: str, format: str, split: str | None = None) -> str:
    """A name for the file: dataset, version, part and suffix."""
    version = get_version(version_id)
    name = re.sub(r"[^\w.-]+", "-", get_dataset(version.dataset_id).name).strip("-.")[:80] or "dataset"
    part = f"-{split}" if split else ""
    return f"{name}-v{version.number}{part}{EXPORTS.get(format).suffix}"


def _sentence(code: str, count: int) -> str:
    one = count == 1
    words = {
        "n": f"{count:,} example{'' if one else 's'}", "are": "is" if one else "are",
        "call": "calls" if one else "call", "exclude": "excludes" if one else "exclude",
        "name": "names" if one else "name", "have": "has" if one else "have", "begin": "begins" if one else "begin",
    }  # fmt: skip
    return LOSSES[code].format(**words)
