"""The tiny base model, built once for all training tests."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.models.base_models.starter import recipe_hash
from core.training import precision
from tests.support import tiny
from tests.support.starter import cache


@pytest.fixture(scope="session")
def tiny_base() -> Path:
    """A Llama of two layers with tokenizer and chat template; stored beside the starter for the next run."""
    return tiny.build_base(cache() / f"tiny-{recipe_hash(tiny.recipe())}")


@pytest.fixture(scope="session", autouse=True)
def _the_same_steps_on_every_machine() -> Iterator[None]:
    """A processor without bf16 instructions: with them a run first measures a few steps in both precisions, and tests
    that count calls would count those. The tests of the precision report a processor of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(precision, "processor", lambda: ("A processor", frozenset()))
        yield


@pytest.fixture
def every_evaluation_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sample answers at each evaluation, however short the steps of a tiny model are."""
    from core.training import cadence

    monkeypatch.setitem(cadence.SHARES, "samples", math.inf)
    monkeypatch.setattr(cadence, "TOTAL_SHARE", math.inf)
