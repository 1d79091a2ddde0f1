"""What a forked process makes arrives as it was made, small or large."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from core.errors import DataError
from core.platform.forking import Finished, Forked


def test_items_of_every_size_arrive_in_order() -> None:
    def make() -> Iterator[Any]:
        yield {"small": [1, "two"]}
        yield pa.table({"text": ["é" * 50_000, None, ""], "number": [1, 2, None]})
        yield np.arange(100_000)
        yield from range(3)

    helper = Forked(make)
    try:
        assert helper.receive() == {"small": [1, "two"]}
        assert helper.receive().to_pydict() == {"text": ["é" * 50_000, None, ""], "number": [1, 2, None]}
        assert helper.receive().tolist() == list(range(100_000))
        assert [helper.receive() for _ in range(3)] == [0, 1, 2]
        with pytest.raises(Finished):
            helper.receive()
    finally:
        helper.stop()


def test_an_error_arrives_after_what_was_made_before_it() -> None:
    def make() -> Iterator[Any]:
        yield np.zeros(50_000)
        raise DataError("The table is broken.", "Fix it.", code="json_syntax")

    helper = Forked(make)
    try:
        assert len(helper.receive()) == 50_000
        with pytest.raises(DataError, match="is broken"):
            helper.receive()
    finally:
        helper.stop()
