"""The rules about a whole set over columns instead of examples: 16 bytes per example, and the same findings.

Each example is a key of 64 bits, the same for the same messages (`hash`, which is seeded anew for every run of the
studio and inherited by its forked processes). Among a million examples, that any two different ones share a key has a
probability of 3 in 100 million.
"""

from __future__ import annotations

import json
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from core.data.examples.columns import ExampleColumns
from core.data.quality import rules
from core.messages import Example, Finding, Split

RULES = frozenset({"too_few", "duplicates", "all_masked"})  # those of quality.rules that are answered here


class SetKeys:
    """Keys and lines of the examples of a set, as they go by; `finish` says what the rules find."""

    def __init__(self) -> None:
        self._keys = {"train": array("q"), "validation": array("q")}
        self._lines = {"train": array("q"), "validation": array("q")}
        self._masked = 0

    def add(self, keys: Sequence[int], lines: Iterable[int], *, split: Split = "train", masked: int = 0) -> None:
        """Take in examples: their keys, their lines, and how many of them carry no loss at all."""
        self._keys[split].extend(keys)
        if isinstance(lines, range):
            self._lines[split].frombytes(np.arange(lines.start, lines.stop, lines.step, dtype=np.int64).tobytes())
        else:
            self._lines[split].extend(lines)
        self._masked += masked

    def feed(self, example: Example) -> None:
        """Take in one example. A key of its own kind where the order of keys in tool calls must not matter."""
        calls = any(message.tool_calls for message in example.messages)
        text = json.dumps([message.to_dict() for message in example.messages], ensure_ascii=False, sort_keys=calls)
        spoken = [message for message in example.messages if message.role == "assistant"]
        masked = all(message.weight == 0 for message in spoken)
        self.add((hash(text),), (example.source_line,), split=example.split, masked=masked)

    def feed_columns(self, examples: ExampleColumns, messages_json: Iterable[str]) -> None:
        """Take in many examples, whose messages were written as JSON before."""
        self.add(list(map(hash, messages_json)), examples.lines, split=examples.split)

    def finish(self) -> Iterator[Finding]:
        train, validation = self._keys["train"], self._keys["validation"]
        yield from rules.too_few(len(train))
        total = len(train) + len(validation)
        spare = _copies(train + validation)
        several: list[int] = []
        if spare:
            counts = Counter(train)
            counts.update(validation)
            several = [key for key, count in counts.items() if count > 1]
        yield from rules.duplicates(spare, self._groups(several[: rules.LISTED]))
        if validation and several:
            here, there = set(train), set(validation)
            both = [key for key in several if key in here and key in there]
            yield from rules.overlap(len(both), self._groups(both[: rules.LISTED]))
        yield from rules.all_masked(total, self._masked)

    def _groups(self, wanted: list[int]) -> list[list[int]]:
        """The lines of the examples with these keys, in their order."""
        groups: dict[int, list[int]] = defaultdict(list)
        if wanted:
            among = set(wanted)
            for split in ("train", "validation"):
                for key, line in zip(self._keys[split], self._lines[split], strict=True):
                    if key in among:
                        groups[key].append(line)
        return [groups[key] for key in wanted]


def _copies(keys: array[int]) -> int:
    """How many keys have stood before."""
    ordered = np.sort(np.frombuffer(keys, np.int64)) if keys else np.empty(0, np.int64)
    return int(np.count_nonzero(ordered[1:] == ordered[:-1]))
