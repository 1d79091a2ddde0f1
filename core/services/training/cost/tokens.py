"""The training tokens of a dataset version, as a hosted service bills them."""

from __future__ import annotations

from core.errors import NotFound, StudioError
from core.models import base_models
from core.models.base_models.records import BaseModelRef
from core.services.data import datasets
from core.services.training.cost.records import TokenCount
from core.services.training.jobs.lengths import lengths_of
from core.training.forecast.lengths import TOKENS_PER_TURN, estimate_span

# Without the tokenizer: a token has 3 to 5 characters of English. The upper end counts bytes, so that a letter of a
# script with long tokens counts fully.
_FEWEST_BYTES, _MOST_CHARACTERS = 3, 5


def count(version_id: str, base_model: str, context_length: int | None = None) -> TokenCount:
    """The tokens of one epoch over the training split.

    Args:
        base_model: its id at the service; its tokenizer counts where the same base is on this machine.
        context_length: what an example is cut at there; None: nothing is cut.
    """
    base = known_here(base_model)
    if base is not None:
        lengths = lengths_of(version_id, base, every=True)
        tokens = sum(min(length, context_length or length) for length, _ in lengths.spans)
        return TokenCount(tokens, tokens, tokens, lengths.exact, lengths.counted)
    return _estimated(version_id, context_length)


def known_here(base_model: str) -> BaseModelRef | None:
    """The base with this id at a service, if its files, and so its tokenizer, are on this machine; else None."""
    try:
        found = base_models.resolve(base_model)
    except (NotFound, StudioError):
        return None
    return found if found.ready and found.path is not None else None


def _estimated(version_id: str, context_length: int | None) -> TokenCount:
    tokens = low = high = 0
    for example in datasets.iter_examples(version_id, split="train"):
        expected, _ = estimate_span(example.messages, example.tools)
        text = "".join(message.content for message in example.messages)
        turns = TOKENS_PER_TURN * len(example.messages)
        fewest = min(expected, len(text) // _MOST_CHARACTERS + turns)
        most = max(expected, -(-len(text.encode()) // _FEWEST_BYTES) + turns)
        cut = (min(one, context_length or one) for one in (expected, fewest, most))
        tokens, low, high = (total + one for total, one in zip((tokens, low, high), cut, strict=True))
    rule = f"estimated at {_FEWEST_BYTES} to {_MOST_CHARACTERS} characters per token: its tokenizer is not here"
    return TokenCount(tokens, low, high, False, rule)
