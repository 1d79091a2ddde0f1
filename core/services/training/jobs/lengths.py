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
from core.training.forecast.lengths import Lengths, Span, estimate_span, measure_span, most_tokens

MAX_COUNTED: Final = 2_000  # examples that are tokenized for a forecast; larger sets are sampled evenly


def lengths_of(version_id: str, base: BaseModelRef) -> Lengths:
    """Token lengths of a version's training split: exact if the base's tokenizer is on this machine, else estimated.

    Exact counts are stored beside the version, by the base's revision, which covers tokenizer and chat template.
    """
    version = datasets.get_version(version_id)
    if not base.ready or base.path is None:
        return _estimated(version_id, version.train_examples)
    key = _lengths_key(version.path, base)
    try:
        stored = json.loads(get_storage().read_bytes(key))
        spans = tuple((int(length), int(start)) for length, start in stored)
    except (StorageError, ValueError, TypeError):
        spans = _count(version_id, version.train_examples, base)
        with contextlib.suppress(StorageError):  # stored only to be faster next time; the dataset may be deleted now
            get_storage().write_bytes(key, json.dumps(spans, separators=(",", ":")).encode())
    exact = len(spans) == version.train_examples
    longest = max((length for length, _ in spans), default=None)
    return Lengths(spans, version.train_examples, exact, ceiling=longest if exact else None)


def _lengths_key(version_path: str, base: BaseModelRef) -> str:
    return f"{version_path}/lengths-{base.revision[:16]}.json"


def keep_lengths(version_id: str, base: BaseModelRef, spans: Sequence[Span]) -> None:
    """Store a run's exact counts of its entire training split, so that the next forecast does not sample."""
    version = datasets.get_version(version_id)
    if len(spans) == version.train_examples:
        text = json.dumps(list(spans), separators=(",", ":"))
        with contextlib.suppress(StorageError):
            get_storage().write_bytes(_lengths_key(version.path, base), text.encode())


def _count(version_id: str, examples: int, base: BaseModelRef) -> tuple[Span, ...]:
    assert base.path is not None
    tokenizer = load_tokenizer(base.path, base.revision)
    return tuple(measure_span(example.messages, tokenizer) for example in _sampled(version_id, examples))


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
