"""Examples in columns: thousands of examples as one object, for fast processing. Their messages have only text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.data.examples.identity import PLAIN_MESSAGES, decoded_keys
from core.data.examples.texts import Numbers, TextColumn, column, in_json, lengths, sizes, suspicious
from core.messages import ROLES, Example, Finding, Message, Reject, Role, Split

_USER, _ASSISTANT = ROLES.index("user"), ROLES.index("assistant")
_HEADS: Final = [f'{{"role": "{role}", "content": "' for role in ROLES]


class ExampleBatch(ABC):
    """Examples that follow each other, and the rejects between them.

    Attributes:
        lines: for each example the physical line of its row.
        findings: about an example, by its index; most have none.
        rejects: each with the number of examples before it.
    """

    __slots__ = ()
    lines: Sequence[int]
    source: str
    split: Split
    findings: Mapping[int, tuple[Finding, ...]]
    rejects: tuple[tuple[int, Reject], ...]

    def __len__(self) -> int:
        return len(self.lines)

    @abstractmethod
    def messages(self, index: int) -> tuple[Message, ...]:
        """The messages of one of the examples."""

    @abstractmethod
    def messages_json(self) -> Any:
        """For each example the JSON of its messages, the same as json.dumps of their dictionaries, as Arrow texts."""

    @abstractmethod
    def decoded_keys(self) -> list[int]:
        """For each example 64 bits, without writing its JSON; comparable with `identity.decoded_key` only."""

    @abstractmethod
    def answers(self) -> Any:
        """For each example what the assistant says last, as Arrow texts."""

    @abstractmethod
    def characters(self) -> Numbers:
        """For each example the characters of all contents."""

    @abstractmethod
    def sizes(self) -> Numbers:
        """For each example the bytes of all contents in UTF-8."""

    @abstractmethod
    def turns(self) -> Numbers:
        """For each example the number of user messages."""

    @abstractmethod
    def suspicious(self) -> set[int]:
        """The indexes of examples whose texts contain special tokens or invisible characters."""

    def example(self, index: int) -> Example:
        """One of the examples."""
        return Example(self.messages(index), self.source, self.lines[index], self.split)

    def of_split(self, split: Split) -> Self:
        """The same examples, of another split."""
        return replace(self, split=split)  # type: ignore[type-var]  # each kind is a dataclass

    def in_order(self) -> list[Finding]:
        """The findings of examples and rejects in the order of the file."""
        placed = [(index, 1, found) for index, found in self.findings.items()]
        placed += [(place, 0, item.findings) for place, item in self.rejects]
        return [item for _, _, found in sorted(placed, key=lambda entry: entry[:2]) for item in found]


@dataclass(frozen=True, slots=True)
class ExampleColumns(ExampleBatch):
    """Examples whose messages all have the same roles.

    Attributes:
        roles: of the messages, the same for every example; at least one is the assistant's.
        texts: for each role the contents, one per example.
    """

    roles: tuple[Role, ...]
    texts: tuple[Sequence[str], ...]
    lines: Sequence[int]
    source: str = ""
    split: Split = "train"
    findings: Mapping[int, tuple[Finding, ...]] = field(default_factory=dict)
    rejects: tuple[tuple[int, Reject], ...] = ()

    def messages(self, index: int) -> tuple[Message, ...]:
        return tuple(Message(role, texts[index]) for role, texts in zip(self.roles, self.texts, strict=True))

    def messages_json(self) -> Any:
        pieces: list[Any] = []
        for number, (role, texts) in enumerate(zip(self.roles, self.texts, strict=True)):
            pieces += [('"}, ' if number else "[") + _HEADS[ROLES.index(role)], in_json(column(texts))]
        return pc.binary_join_element_wise(*pieces, '"}]', "")

    def decoded_keys(self) -> list[int]:
        made = [map(PLAIN_MESSAGES[role], texts) for role, texts in zip(self.roles, self.texts, strict=True)]
        return decoded_keys(zip(*made, strict=True))

    def answers(self) -> Any:
        return column(self.texts[max(at for at, role in enumerate(self.roles) if role == "assistant")])

    def characters(self) -> Numbers:
        return sum((lengths(column(texts)) for texts in self.texts), np.zeros(len(self), np.int64))

    def sizes(self) -> Numbers:
        return sum((sizes(column(texts)) for texts in self.texts), np.zeros(len(self), np.int64))

    def turns(self) -> Numbers:
        return np.full(len(self), self.roles.count("user"), np.int32)

    def suspicious(self) -> set[int]:
        return set().union(*(suspicious(column(texts)) for texts in self.texts))


@dataclass(frozen=True, slots=True)
class ChatColumns(ExampleBatch):
    """Examples of any number of messages, which are neither weighted nor named, and call no tools.

    Attributes:
        roles: of all messages, one after another, as indexes of ROLES.
        contents: of all messages.
        edges: for each example where its messages begin, and the number of messages.
    """

    roles: Numbers
    contents: TextColumn
    edges: Numbers
    lines: Sequence[int]
    source: str = ""
    split: Split = "train"
    findings: Mapping[int, tuple[Finding, ...]] = field(default_factory=dict)
    rejects: tuple[tuple[int, Reject], ...] = ()

    def messages(self, index: int) -> tuple[Message, ...]:
        start, end = int(self.edges[index]), int(self.edges[index + 1])
        roles, contents = self.roles[start:end].tolist(), self.contents.array[start:end].to_pylist()
        return tuple(Message(ROLES[role], text) for role, text in zip(roles, contents, strict=True))

    def messages_json(self) -> Any:
        heads = pa.array(_HEADS).take(pa.array(self.roles))
        messages = pc.binary_join_element_wise(heads, in_json(self.contents.array), '"}', "")
        of_each = pa.ListArray.from_arrays(pa.array(self.edges, pa.int32()), messages)
        return pc.binary_join_element_wise("[", pc.binary_join(of_each, ", "), "]", "")

    def decoded_keys(self) -> list[int]:
        kinds = [PLAIN_MESSAGES[role] for role in ROLES if role in PLAIN_MESSAGES]  # all but the last one
        texts = self.contents.array.to_pylist()
        messages = [kinds[role](text) for role, text in zip(self.roles.tolist(), texts, strict=True)]
        return decoded_keys(tuple(messages[start:end]) for start, end in pairwise(self.edges.tolist()))

    def answers(self) -> Any:
        places = np.where(self.roles == _ASSISTANT, np.arange(len(self.roles)), -1)
        return self.contents.array.take(pa.array(np.maximum.reduceat(places, self.edges[:-1])))

    def characters(self) -> Numbers:
        return np.add.reduceat(lengths(self.contents.array), self.edges[:-1])

    def sizes(self) -> Numbers:
        return np.add.reduceat(sizes(self.contents.array), self.edges[:-1])

    def turns(self) -> Numbers:
        return np.add.reduceat((self.roles == _USER).astype(np.int32), self.edges[:-1])

    def suspicious(self) -> set[int]:
        places = sorted(suspicious(self.contents.array))
        return set((np.searchsorted(self.edges, places, side="right") - 1).tolist())

    def part(self, start: int, end: int) -> Self:
        """Some of the examples, without findings and rejects."""
        first, last = int(self.edges[start]), int(self.edges[end])
        return replace(
            self,
            roles=self.roles[first:last],
            contents=self.contents[first:last],
            edges=self.edges[start : end + 1] - first,
            lines=self.lines[start:end],
            findings={},
            rejects=(),
        )
