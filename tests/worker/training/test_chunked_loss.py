"""Large vocabularies: the loss is computed in chunks, and every measurement of a step is the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.models.methods import METHODS, build
from core.training.metrics import Point
from tests.support import tiny
from worker.training import batches, output_layer
from worker.training.engines import Watching, trl
from worker.training.run import train


def points(base: Path, output: Path, method: str) -> list[Point]:
    found: list[Point] = []
    numbers = tiny.training(examples=8, num_epochs=2)
    train(base, tiny.examples(2), build(method), numbers, output, watching=Watching(on_point=found.append))
    return found


@pytest.mark.parametrize("method", list(METHODS.ids()))
def test_losses_accuracies_and_gradients_match_the_plain_ones(
    method: str, tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = points(tiny_base, tmp_path / "plain", method)
    monkeypatch.setattr(batches, "CHUNKED_FROM_VOCAB", 1)
    chunks: list[Any] = []
    kept = trl._arguments
    monkeypatch.setattr(trl, "_arguments", lambda *a, **k: chunks.append(kept(*a, **k)) or chunks[-1])
    monkeypatch.setattr(output_layer, "ROWS", 4)
    counted: list[int] = []
    ours = output_layer.cross_entropy
    monkeypatch.setattr(output_layer, "cross_entropy", lambda x, *rest: counted.append(len(x)) or ours(x, *rest))
    pieces = points(tiny_base, tmp_path / "pieces", method)
    if build(method).peft_type is None:  # the output layer is trained
        assert (chunks[0].loss_type, counted) == ("chunked_nll", [])
    else:
        assert chunks[0].loss_type == "nll"
        assert max(counted) > output_layer.ROWS
    assert [point.step for point in plain] == [point.step for point in pieces]
    for one, other in zip(plain, pieces, strict=True):
        assert other.loss == pytest.approx(one.loss, abs=1e-3)
        assert other.value("token_accuracy") == pytest.approx(one.value("token_accuracy"), abs=0.03)
        if one.value("grad_norm") is not None:
            assert other.value("grad_norm") == pytest.approx(one.value("grad_norm"), rel=1e-2)
