"""Comparisons of examples that are looser than their identity: by some of their words, whatever the case or spacing.

Whether two examples are the same is decided by `examples.identity` alone; what is here finds those that are alike.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from core.data.examples.near.shingles import normalize
from core.messages import Message

SAMPLE = 2_000  # examples that are compared for what all have in common
_FROM = 20  # examples; fewer show no pattern
_SHARED = 0.5  # of the examples: a line that appears in more of them belongs to the pattern


class _Said(msgspec.Struct):
    role: str
    content: str


_SAID = msgspec.json.Decoder(list[_Said])


def text_of(messages: Sequence[Message]) -> str:
    """What is compared for near duplicates: every content except system messages, which all examples share."""
    return "\n".join(message.content for message in messages if message.role != "system")


def text_of_stored(messages: str) -> str:
    """The same, of the JSON that dataset versions store of the messages; a fraction of the time of parsing it whole."""
    return "\n".join(said.content for said in _SAID.decode(messages) if said.role != "system")


def input_of(messages: Sequence[Message]) -> str:
    """Everything before the last assistant message, with its roles."""
    last = last_answer(messages)
    before = messages[:last] if last is not None else messages
    return "\n".join(f"{message.role}: {message.content}" for message in before)


def answer_of(messages: Sequence[Message]) -> str:
    """The last assistant message; tool calls count as text."""
    last = last_answer(messages)
    if last is None:
        return ""
    message = messages[last]
    return message.content + "".join(str(call.get("function")) for call in message.tool_calls)


def last_answer(messages: Sequence[Message]) -> int | None:
    """The index of the last assistant message."""
    return next((index for index in range(len(messages) - 1, -1, -1) if messages[index].role == "assistant"), None)


def loose_key(text: str) -> int:
    """64 bits that are the same for texts that differ in case, punctuation or spaces only."""
    return _digest(normalize(text))


def exact_key(text: str) -> int:
    """64 bits of the exact text."""
    return _digest(text)


def spaceless_key(texts: Iterable[str]) -> bytes:
    """16 bytes that are the same for texts that differ in case or spaces only."""
    plain = "\x1f".join(" ".join(text.split()).casefold() for text in texts)
    return hashlib.blake2b(plain.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _shared_start(one: str, other: str) -> str:
    at = 0
    while at < min(len(one), len(other)) and one[at] == other[at]:
        at += 1
    return one[:at]


class Boilerplate:
    """What most examples have in common: the words of a template around the cells, and repeated lines.

    Left in, they would make every two examples of one template near duplicates. Taken from the first 2,000 texts;
    fewer than 20 show no pattern.
    """

    def __init__(self) -> None:
        self._lines: Counter[int] = Counter()
        self._first: str | None = None
        self._prefix = self._suffix = ""
        self._seen = 0
        self._common: frozenset[int] | None = None  # lines that belong to the pattern; None until they are counted

    def learn(self, text: str) -> None:
        if self._seen >= SAMPLE:
            return
        self._seen, self._common = self._seen + 1, None
        self._lines.update({hash(line.strip()) for line in text.split("\n") if line.strip()})
        if self._first is None:
            self._first, self._prefix, self._suffix = text, text, text[::-1]
        self._prefix = _shared_start(self._prefix, text)
        self._suffix = _shared_start(self._suffix, text[::-1])

    def without(self, text: str) -> str:
        """The text without what most have in common; the complete text where nothing would be left."""
        if self._seen < _FROM:
            return text
        rest = text[len(self._prefix) :]
        if self._suffix and len(rest) > len(self._suffix):
            rest = rest[: -len(self._suffix)]
        if self._common is None:
            least = self._seen * _SHARED
            self._common = frozenset(line for line, count in self._lines.items() if count > least)
        if self._common:
            rest = "\n".join(line for line in rest.split("\n") if hash(line.strip()) not in self._common)
        return rest if rest.strip() else text
