"""The lengths of examples in tokens, and what a maximum length would cut off."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from core.errors import DataError
from core.messages import Message, Tools
from core.models.refusals import attempt
from core.models.render import ON_ANSWERS, render
from core.text import estimated_tokens

TOKENS_PER_TURN: Final = 4  # role markers of common chat templates

Span = tuple[int, int]  # tokens of the example, index of the first token with loss
LEFT_OUT: Final[Span] = (0, 0)  # of an example that is not trained on, see `TrainingConfig.on_refusal`


@dataclass(frozen=True, slots=True)
class Lengths:
    """Token lengths of a training split.

    `spans` has (length, start of the first output) per counted example; `examples` is the number of all of them, so a
    sample is scaled up. `exact` is True when the base model's own tokenizer and chat template counted every example.
    `counted_by` is the title of that base model, "" for estimates.
    `ceiling` is a length that no example exceeds, None if it is not known: an estimate is too short for some
    tokenizers, and a maximum length based on it would cut answers off.
    """

    spans: tuple[Span, ...]
    examples: int
    exact: bool
    ceiling: int | None = None
    counted_by: str = ""

    @property
    def counted(self) -> str:
        """How the tokens were counted: `counted by SmolLM2 135M`, or `estimated`."""
        return f"counted by {self.counted_by}" if self.exact and self.counted_by else "estimated"

    @property
    def total_tokens(self) -> int:
        """Tokens of one epoch, before anything is cut off."""
        return self._scaled(sum(length for length, _ in self.spans))

    def with_loss_everywhere(self) -> Lengths:
        """The same lengths where inputs carry loss too, so that no example loses everything it teaches."""
        return replace(self, spans=tuple((length, 0) for length, _ in self.spans))

    @property
    def longest(self) -> int:
        return max((length for length, _ in self.spans), default=0)

    def over(self, limit: int) -> int:
        """How many examples are longer than `limit` tokens."""
        return self._scaled(sum(length > limit for length, _ in self.spans))

    def answers_lost(self, limit: int) -> int:
        """How many examples would lose their entire answer: no token of it is before `limit`."""
        return self._scaled(sum(start >= limit for _, start in self.spans))

    def answer_tokens_lost(self, limit: int) -> int:
        """Tokens from the start of the first output on that are beyond `limit`."""
        return self._scaled(sum(max(0, length - max(start, limit)) for length, start in self.spans))

    def tokens_trained(self, limit: int, policy: str) -> int:
        """Tokens of one epoch under a policy for longer examples (`TrainingConfig.over_length`)."""
        if policy == "drop":
            return self._scaled(sum(length for length, _ in self.spans if length <= limit))
        return self._scaled(sum(min(length, limit) for length, start in self.spans if start < limit))

    def _scaled(self, count: int) -> int:
        return round(count * self.examples / len(self.spans)) if self.spans else 0


def counted(examples: int) -> str:
    """The start of a sentence: `1 example is`, `3 examples are`."""
    return f"{examples:,} example{' is' if examples == 1 else 's are'}"


def consequences(lengths: Lengths, limit: int, policy: str) -> tuple[str, ...]:
    """What a maximum length means for this data, in sentences; none if every example fits.

    Args:
        policy: `TrainingConfig.over_length`: truncate, drop or stop.
    """
    over, lost = lengths.over(limit), lengths.answers_lost(limit)
    if not over:
        return ()
    about, how = ("", "") if lengths.exact else ("About ", ", estimated")
    first = f"{about}{counted(over)} longer than {limit:,} tokens; the longest has {lengths.longest:,}{how}."
    if policy == "stop":
        return (
            f"{first} The job will not start: raise the maximum length, or choose to cut them off or leave them out.",
        )
    if policy == "drop":
        return (f"{first} They are left out completely.",)
    cut = over - lost
    sentences = [first]
    if cut:
        tokens = lengths.answer_tokens_lost(limit)
        sentences.append(f"{counted(cut)} cut off at the end: about {tokens:,} tokens of outputs are not learned.")
    if lost:
        sentences.append(
            f"{lost:,} would lose the entire output and {'is' if lost == 1 else 'are'} left out: nothing could be "
            "learned there. Raise the maximum length, or shorten the inputs."
        )
    return tuple(sentences)


def most_tokens(messages: Sequence[Message], tools: Tools = ()) -> int:
    """The most tokens that a conversation can have: a token is at least one byte of text, or a marker."""
    schemas = 2 * len(json.dumps(list(tools)).encode()) if tools else 0  # a template may write them with an indent
    return schemas + sum(len(message.content.encode()) + 2 * TOKENS_PER_TURN for message in messages)


def measure_span(messages: Sequence[Message], tokenizer: Any, on_refusal: str = "stop", tools: Tools = ()) -> Span:
    """A span as a base model's tokenizer and chat template count it; estimated where the template refuses it and the
    policy (`TrainingConfig.on_refusal`) is `stop`: then there is no run."""
    try:
        rendered = attempt(partial(render, tokenizer=tokenizer, tools=tools), messages, on_refusal)
    except DataError:
        return estimate_span(messages, tools)
    if rendered is None:
        return LEFT_OUT
    length = len(rendered.input_ids)
    return length, rendered.loss.index(ON_ANSWERS) if ON_ANSWERS in rendered.loss else length


def estimate_span(messages: Sequence[Message], tools: Tools = ()) -> Span:
    """A span estimated as characters / 4, for when no tokenizer is available."""
    total = estimated_tokens(len(json.dumps(list(tools)))) if tools else 0
    start: int | None = None
    for message in messages:
        if message.role == "assistant" and message.weight != 0 and start is None:
            start = total + TOKENS_PER_TURN
        total += estimated_tokens(len(message.content)) + TOKENS_PER_TURN
    return total, total if start is None else start
