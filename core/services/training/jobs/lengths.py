"""The token lengths of a dataset version's examples for a base model, counted once and stored beside the version."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from core.errors import StorageError
from core.messages import Example
from core.models.base_models.light_tokenizer import load_tokenizer
from core.models.base_models.records import BaseModelRef
from core.platform.storage import get_storage
from core.services.data import datasets
from core.services.training.jobs.refusals import refusals_of
from core.training.forecast.lengths import LEFT_OUT, Lengths, Span, estimate_span, measure_span, most_tokens
from core.training.forecast.refusals import NONE, Refusals

MAX_COUNTED: Final = 2_000  # examples that are tokenized for a forecast; larger sets are sampled evenly


def lengths_of(version_id: str, base: BaseModelRef, on_refusal: str = "stop", refusals: Refusals = NONE) -> Lengths:
    """Token lengths of what is trained on: exact where the base's tokenizer is here, else estimated.

    Exact counts are saved beside the version, by the base's revision, which covers its tokenizer and chat template.

    Args:
        on_refusal: see `TrainingConfig.on_refusal`.
        refusals: of the version's examples; those that are left out have no length.
    """
    version = datasets.get_version(version_id)
    if not base.ready or base.path is None:
        return _estimated(version_id, version.train_examples)
    policy = on_refusal if refusals.count else "stop"
    key = _lengths_key(version.path, base, policy)
    try:
        saved = json.loads(get_storage().read_bytes(key))
        spans = tuple((int(length), int(start)) for length, start in saved)
    except (StorageError, ValueError, TypeError):
        spans = _count(version_id, version.train_examples, base, policy)
        with contextlib.suppress(StorageError):  # saved only to be faster next time; the dataset may be in deletion
            get_storage().write_bytes(key, json.dumps(spans, separators=(",", ":")).encode())
    exact = len(spans) == version.train_examples
    trained = tuple(span for span in spans if span != LEFT_OUT)
    longest = max((length for length, _ in trained), default=None)
    examples = version.train_examples - refusals.left_out(policy)
    return Lengths(trained, examples, exact, ceiling=longest if exact else None)


def _lengths_key(version_path: str, base: BaseModelRef, policy: str) -> str:
    return f"{version_path}/lengths-{base.revision[:16]}{'' if policy == 'stop' else f'-{policy}'}.json"


def keep_lengths(version_id: str, base: BaseModelRef, spans: Sequence[Span], on_refusal: str) -> None:
    """Save the exact counts that a run made of its full training split: the next forecast need not sample."""
    version = datasets.get_version(version_id)
    if len(spans) == version.train_examples:
        policy = on_refusal if refusals_of(version_id, base).count else "stop"
        text = json.dumps(list(spans), separators=(",", ":"))
        with contextlib.suppress(StorageError):
            get_storage().write_bytes(_lengths_key(version.path, base, policy), text.encode())


def _count(version_id: str, examples: int, base: BaseModelRef, policy: str) -> tuple[Span, ...]:
    assert base.path is not None
    tokenizer = load_tokenizer(base.path, base.revision)
    return tuple(measure_span(example.messages, tokenizer, policy) for example in _sampled(version_id, examples))


@lru_cache(maxsize=32)  # versions never change
def _estimated(version_id: str, examples: int) -> Lengths:
    sample = _sampled(version_id, examples)
    spans = tuple(estimate_span(example.messages) for example in sample)
    most = max((most_tokens(example.messages) for example in sample), default=None) if len(sample) == examples else None
    return Lengths(spans, examples, exact=False, ceiling=most)


def _sampled(version_id: str, examples: int) -> list[Example]:
    stride = max(1, -(-examples // MAX_COUNTED))
    examples_ = datasets.iter_examples(version_id, split="train")
    return [example for number, example in enumerate(examples_) if number % stride == 0]
