"""Answers that follow a JSON schema, by construction: tokens that would leave the schema are never chosen.

llguidance computes which tokens may follow the text so far, so that even a small model that has never seen JSON writes
a valid object. If the tokens run out, open values are closed in time: a short valid object is worth more than half of
a long one.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Mapping
from typing import Any, ClassVar, Final
from weakref import WeakKeyDictionary

import llguidance
import torch

from core.errors import DataError

log = logging.getLogger(__name__)

MAX_SCHEMA_CHARACTERS: Final = 64_000
MOST_CLOSING: Final = 512  # the most tokens that closing may take
# The shortest ends of a JSON value, best first.
_CLOSERS: Final = ('"}]}', '"]}', '"}', '"]', '"', "}]}", "]}", "}", "]", "0", "null", "[", "{", ":", ",")
# No whitespace between the parts: a small model would write nothing else.
_COMPACT: Final[Any] = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}


class Vocabulary:
    """A tokenizer as llguidance sees it, and the tokens that close open values; built once per tokenizer."""

    _known: ClassVar[WeakKeyDictionary[Any, Vocabulary]] = WeakKeyDictionary()

    def __init__(self, tokenizer: Any, size: int, ends: Collection[int]) -> None:
        backend = getattr(tokenizer, "backend_tokenizer", None)
        if backend is None:
            raise _impossible("it has no fast tokenizer")
        try:
            self.tokenizer = llguidance.LLTokenizer(backend.to_str(), n_vocab=size, eos_token=sorted(ends))
        except Exception as error:  # the library raises various errors for a tokenizer that it cannot read
            log.warning("llguidance cannot read a tokenizer", exc_info=True)
            raise _impossible("its tokenizer is of an unknown kind") from error
        self.size, self.ends = size, frozenset(ends)
        found = (self.tokenizer.tokenize_str(text) for text in _CLOSERS)
        self.closers = [tokens[0] for tokens in found if len(tokens) == 1]

    @classmethod
    def of(cls, tokenizer: Any, size: int, ends: Collection[int]) -> Vocabulary:
        """The vocabulary of a tokenizer. Raises DataError if a schema cannot be enforced for this model."""
        if tokenizer not in cls._known:
            cls._known[tokenizer] = cls(tokenizer, size, ends)
        return cls._known[tokenizer]


class Grammar:
    """The position of one answer in its schema."""

    def __init__(self, schema: Mapping[str, Any], vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        text = json.dumps(dict(schema))
        if len(text) > MAX_SCHEMA_CHARACTERS:
            raise _bad_schema(f"it is longer than {MAX_SCHEMA_CHARACTERS:,} characters")
        try:
            grammar = llguidance.LLMatcher.grammar_from_json_schema(text, overrides=_COMPACT)
        except ValueError as error:
            raise _bad_schema(str(error)) from error
        self._matcher = llguidance.LLMatcher(vocabulary.tokenizer, grammar, log_level=0)
        if self._matcher.is_error():
            raise _bad_schema(self._matcher.get_error())
        self.closing = False  # the tokens run out: open values are being closed
        self._look_again_at = float("inf")  # tokens left at which the distance to the end is measured again

    @property
    def done(self) -> bool:
        """The value is complete, and nothing can follow."""
        return self._matcher.is_stopped()

    def next(self, logits: torch.Tensor) -> torch.Tensor:
        """The logits with every token that may not follow at minus infinity."""
        allowed = torch.frombuffer(bytearray(self._matcher.compute_bitmask()), dtype=torch.uint8)
        bits = (allowed[:, None] >> torch.arange(8, dtype=torch.uint8)) & 1
        mask = bits.flatten()[: logits.shape[-1]].bool().to(logits.device)
        self._check()
        only = torch.full_like(logits, float("-inf"))  # also for ids beyond the tokenizer's last one
        only[: len(mask)] = logits[: len(mask)].masked_fill(~mask, float("-inf"))
        return only

    def take(self, token: int, left: int) -> int:
        """Accept the chosen token, or one that closes open values if the tokens run out.

        Args:
            left: tokens that may follow this one.

        Returns:
            The accepted token.
        """
        if self.closing or left <= self._look_again_at:
            token = self._in_time(token, left)
        self._matcher.consume_token(token)
        self._check()
        return token

    def _in_time(self, token: int, left: int) -> int:
        """The token, if the value can still be closed after it; else the next token of the shortest end."""
        if not self.closing:
            ahead = self._matcher.deep_copy()
            ahead.consume_token(token)
            needed = len(_way_out(ahead, self._vocabulary))
            self.closing = needed > left
            # Far from the end it is checked rarely: one token opens values worth a few tokens at most.
            slack = left - needed
            self._look_again_at = left - 1 if slack < 4 * needed + 64 else left - slack // 8
        if self.closing:
            way = _way_out(self._matcher.deep_copy(), self._vocabulary)
            return way[0] if way else token
        return token

    def _check(self) -> None:
        if self._matcher.is_error():
            raise _bad_schema(self._matcher.get_error())


def _way_out(matcher: llguidance.LLMatcher, vocabulary: Vocabulary) -> list[int]:
    """Tokens that complete the value from here, as few as can be found; consumes the matcher."""
    way: list[int] = []
    while not matcher.is_stopped() and len(way) < MOST_CLOSING:
        forced = matcher.compute_ff_tokens()
        if not forced:
            token = _closer(matcher, vocabulary)
            if token is None or token in vocabulary.ends:
                break
            forced = [token]
        way += forced
        if matcher.try_consume_tokens(forced) != len(forced):
            break
    return way


def _closer(matcher: llguidance.LLMatcher, vocabulary: Vocabulary) -> int | None:
    """The token that ends a value soonest here; any allowed token if none of those is allowed."""
    mask = matcher.compute_bitmask()
    for token in (*vocabulary.ends, *vocabulary.closers):
        if mask[token >> 3] >> (token & 7) & 1:
            return token
    place = next((index for index, byte in enumerate(mask) if byte), None)
    return None if place is None else place * 8 + (mask[place] & -mask[place]).bit_length() - 1


def _bad_schema(why: str) -> DataError:
    remedy = "Use only the part of JSON Schema that structured outputs support."
    reason = " ".join(why.partition("<state>")[0].split()).rstrip(".")[:300]
    if " " not in reason:  # the state of the parser, and no sentence
        reason = "it allows no complete value"
    return _refusal(f"The schema of the answer cannot be used: {reason}.", remedy)


def _impossible(why: str) -> DataError:
    remedy = "Choose another model, or leave out response_format."
    return _refusal(f"A schema cannot be enforced for this model: {why}.", remedy)


def _refusal(message: str, remedy: str) -> DataError:
    return DataError(message, remedy, code="schema", field="response_format")
