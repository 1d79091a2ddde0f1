"""Examples in columns: thousands of examples with the same roles as one object, for fast processing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from json.encoder import encode_basestring  # as json.dumps(..., ensure_ascii=False) writes a text

from core.messages import Example, Finding, Message, Reject, Role, Split


@dataclass(frozen=True, slots=True)
class ExampleColumns:
    """Examples that follow each other, and the rejects between them.

    Attributes:
        roles: of the messages, the same for every example; at least one is the assistant's.
        texts: for each role the contents, one per example.
        lines: for each example the physical line of its row.
        findings: about an example, by its index; most have none.
        rejects: each with the number of examples before it.
    """

    roles: tuple[Role, ...]
    texts: tuple[Sequence[str], ...]
    lines: Sequence[int]
    source: str = ""
    split: Split = "train"
    findings: Mapping[int, tuple[Finding, ...]] = field(default_factory=dict)
    rejects: tuple[tuple[int, Reject], ...] = ()

    def __len__(self) -> int:
        return len(self.lines)

    def example(self, index: int) -> Example:
        """One of the examples."""
        messages = (Message(role, column[index]) for role, column in zip(self.roles, self.texts, strict=True))
        return Example(tuple(messages), self.source, self.lines[index], self.split)

    def messages_json(self) -> list[str]:
        """For each example the JSON of its messages, the same as json.dumps of their dictionaries."""
        pieces: list[repeat[str] | map[str]] = []
        for number, (role, column) in enumerate(zip(self.roles, self.texts, strict=True)):
            pieces.append(repeat(f'{"}, " if number else "["}{{"role": "{role}", "content": '))
            pieces.append(map(encode_basestring, column))
        pieces.append(repeat("}]"))
        return list(map("".join, zip(*pieces, strict=False)))  # the constants never end

    def in_order(self) -> list[Finding]:
        """The findings of examples and rejects in the order of the file."""
        placed = [(index, 1, found) for index, found in self.findings.items()]
        placed += [(place, 0, item.findings) for place, item in self.rejects]
        return [item for _, _, found in sorted(placed, key=lambda entry: entry[:2]) for item in found]
