"""What the rules about a set need to know of every example: 17 bytes each, fed one by one or in columns."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence

import numpy as np

from core.data.examples import identity
from core.data.examples.groups import Groups, Numbers, groups_of
from core.messages import SPLITS, Example, Message, Split

_INDEX = {split: index for index, split in enumerate(SPLITS)}


class ExampleSet:
    """The key, the line and the part of each example of a set, in the order in which they were added."""

    def __init__(self) -> None:
        self._keys, self._lines, self._parts = array("q"), array("q"), array("b")
        self.masked = 0  # examples without an assistant message that carries loss
        self._copies: Groups | None = None  # worked out once, until another example is added

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def validation(self) -> int:
        """Examples of the validation part."""
        return self._parts.count(SPLITS.index("validation"))

    @property
    def train(self) -> int:
        """Examples of the training part."""
        return self._parts.count(SPLITS.index("train"))

    def add(
        self,
        keys: Sequence[int] | Numbers,
        lines: Iterable[int],
        *,
        split: Split = "train",
        splits: bytes = b"",
        masked: int = 0,
    ) -> None:
        """Add examples by their keys (`examples.identity`) and lines.

        Args:
            split: of all of them, unless `splits` has an index of SPLITS for each.
            masked: how many of them have no assistant message that carries loss.
        """
        if isinstance(keys, np.ndarray):
            self._keys.frombytes(keys.tobytes())
        else:
            self._keys.extend(keys)
        if isinstance(lines, range):
            self._lines.frombytes(np.arange(lines.start, lines.stop, lines.step, dtype=np.int64).tobytes())
        else:
            self._lines.extend(lines)
        self._parts.frombytes(splits or bytes([SPLITS.index(split)]) * len(keys))
        self.masked += masked
        self._copies = None

    def feed(self, example: Example, stored: str | None = None) -> None:
        """Add one example; `stored` is the JSON by which it is compared, where it is at hand."""
        text = identity.stored_example(example) if stored is None else stored
        self._feed(text, example.source_line, example.split, is_masked(example.messages))

    def feed_stored(self, stored: str, source_line: int, split: Split) -> None:
        """Add one example by its stored JSON, which is parsed only where the loss may be turned off."""
        masked = False
        if '"weight"' in stored or '"assistant"' not in stored:
            masked = is_masked(identity.messages_of(stored.partition("\n")[0]))
        self._feed(stored, source_line, split, masked)

    def _feed(self, stored: str, line: int, split: Split, masked: bool) -> None:
        self._keys.append(identity.quick_key(stored))
        self._lines.append(line)
        self._parts.append(_INDEX[split])
        self.masked += masked
        self._copies = None

    def copies(self) -> Groups:
        """The positions of examples that are the same, for each that occurs more than once; by their first one."""
        if self._copies is None:
            self._copies = groups_of(np.frombuffer(self._keys, np.int64))
        return self._copies

    def held_out(self) -> Numbers:
        """A mask of the examples that are not trained on: those of the validation and the test part."""
        return np.frombuffer(self._parts, dtype=np.int8).astype(bool)

    def lines(self, positions: Iterable[int]) -> list[int]:
        """The physical lines of examples."""
        return [self._lines[position] for position in positions]


def is_masked(messages: Iterable[Message]) -> bool:
    """Whether no assistant message carries loss."""
    return all(message.weight == 0 for message in messages if message.role == "assistant")
