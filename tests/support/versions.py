"""Examples and version files for tests of editing."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from core.data.versions.files import EXAMPLES
from core.data.versions.rows import Rows
from core.data.versions.writer import VersionWriter
from core.messages import Example, Message, Split


def pair(
    question: str, answer: str, line: int = 0, *, split: Split = "train", system: str = "", flags: tuple[str, ...] = ()
) -> Example:
    lead = (Message("system", system),) if system else ()
    messages = (*lead, Message("user", question), Message("assistant", answer))
    return Example(messages, "src_1" if line else "", line, split, flags)


def stored(folder: Path, examples: Iterable[Example]) -> Rows:
    """The examples as they lie in a version's file."""
    with VersionWriter(folder, hold_out=0.0) as out:
        for example in examples:
            out.add(example)
        out.finish()
    return Rows(folder / EXAMPLES)
