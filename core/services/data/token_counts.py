"""The lengths of a version's examples: counted by the recommended base model where it is here, else estimated.

One definition for every screen that shows tokens of a dataset.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from statistics import fmean, median
from typing import Final

from core.data.versions.reader import Statistics, bins
from core.errors import StorageError
from core.models import base_models
from core.models.base_models.light_tokenizer import load_tokenizer
from core.models.base_models.records import BaseModelRef
from core.models.render import ahead
from core.platform.storage import get_storage
from core.services.data import datasets
from core.training.forecast.lengths import measure_span

COUNTED: Final = 2_000  # examples; a screen cannot wait for more


def statistics(version_id: str) -> Statistics:
    """The figures of a version; `counted_by` is the base model whose tokenizer and chat template counted the tokens.

    "" where they are estimated: the recommended base is not on this machine, or there are too many examples.
    """
    found = datasets.statistics(version_id)
    base = _base()
    if base is None or not 0 < found.examples <= COUNTED:
        return found
    lengths = _lengths(version_id, base.id, base.revision)
    return replace(
        found,
        tokens_total=sum(lengths),
        tokens_mean=fmean(lengths),
        tokens_median=median(lengths),
        tokens_max=max(lengths),
        histogram=bins(lengths),
        counted_by=base.title,
    )


def _base() -> BaseModelRef | None:
    """The recommended base model, if its tokenizer is on this machine."""
    chosen = base_models.suggested_id()
    base = base_models.resolve(chosen) if chosen else None
    return base if base is not None and base.ready and base.path is not None else None


@lru_cache(maxsize=256)  # neither a version nor a revision of a model changes
def _lengths(version_id: str, base_id: str, revision: str) -> Sequence[int]:
    """The tokens of every example, saved beside the version."""
    key = f"{datasets.get_version(version_id).path}/tokens-{revision[:16]}.json"
    try:
        return tuple(int(length) for length in json.loads(get_storage().read_bytes(key)))
    except (StorageError, ValueError, TypeError):
        path = base_models.resolve(base_id).path
        assert path is not None
        tokenizer = load_tokenizer(path, revision)
        examples = ahead(datasets.iter_examples(version_id), tokenizer)
        lengths = tuple(measure_span(example.messages, tokenizer, tools=example.tools)[0] for example in examples)
        with contextlib.suppress(StorageError):  # only to be faster next time; the dataset may be in deletion
            get_storage().write_bytes(key, json.dumps(lengths).encode())
        return lengths
