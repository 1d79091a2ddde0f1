"""The rules about a set as a whole (`quality.rules`) over a result that goes by: 25 bytes an example, same findings."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator

import numpy as np

from core.data.editing.equality import Digests, Numbers
from core.data.quality import rules
from core.data.versions.rows import digest_of
from core.messages import Example, Finding, Split


class SetCheck:
    """What `quality.rules.SetChecker` finds, in bounded memory."""

    def __init__(self) -> None:
        self._digests = Digests()
        self._lines = array("q")
        self._validation = array("b")
        self._masked = 0

    def feed(self, example: Example, messages: str | None = None) -> None:
        """Take in one example; `messages` is its stored JSON, where that is at hand."""
        if messages is None:
            messages = json.dumps([message.to_dict() for message in example.messages], ensure_ascii=False)
        masked = all(message.weight == 0 for message in example.messages if message.role == "assistant")
        self._add(messages, example.source_line, example.split, masked)

    def feed_stored(self, messages: str, source_line: int, split: Split) -> None:
        """Take in one example by its stored JSON, which is read only where its loss may be turned off."""
        masked = False
        if '"weight"' in messages or '"assistant"' not in messages:
            said = [item for item in json.loads(messages) if item["role"] == "assistant"]
            masked = all(item.get("weight") == 0 for item in said)
        self._add(messages, source_line, split, masked)

    def _add(self, messages: str, source_line: int, split: Split, masked: bool) -> None:
        self._digests.add(digest_of(messages))
        self._lines.append(source_line)
        self._validation.append(split == "validation")
        self._masked += masked

    def finish(self) -> Iterator[Finding]:
        total = len(self._lines)
        held_out = np.frombuffer(self._validation, dtype=np.int8).astype(bool)
        yield from rules.too_few(total - int(held_out.sum()))
        numbers = self._digests.numbers()
        copies = np.bincount(numbers, minlength=total)
        several = np.nonzero(copies > 1)[0]
        yield from rules.duplicates(total - int((copies > 0).sum()), self._groups(numbers, several))
        in_validation = np.bincount(numbers, weights=held_out, minlength=total)
        both = several[(in_validation[several] > 0) & (in_validation[several] < copies[several])]
        yield from rules.overlap(len(both), self._groups(numbers, both))
        yield from rules.all_masked(total, self._masked)

    def _groups(self, numbers: Numbers, firsts: Numbers) -> list[list[int]]:
        """The lines of the first groups of equal examples."""
        return [[self._lines[at] for at in np.nonzero(numbers == first)[0]] for first in firsts[: rules.LISTED]]
