"""The loss of every example under the finished model: correct, complete, limited in time."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from core.models.methods import build
from core.models.render import render
from core.training import example_losses as files
from tests.support import tiny
from worker.training import example_losses
from worker.training.data import prepare
from worker.training.engines import Watching
from worker.training.model_files import load_model, load_tokenizer, load_tuned
from worker.training.run import train


def alone(model: object, tokenizer: object, index: int, examples: list[object]) -> float:
    """The loss of one example alone in a batch."""
    rendered = render(examples[index].messages, tokenizer)
    ids, labels = torch.tensor([rendered.input_ids]), torch.tensor([rendered.labels()])
    with torch.no_grad():
        return float(model.eval()(input_ids=ids, labels=labels).loss)


def test_every_example_has_the_same_loss_as_alone(tiny_base: Path, tmp_path: Path) -> None:
    examples = tiny.examples(2)
    result = train(tiny_base, examples, build("lora"), tiny.training(examples=8), tmp_path)
    assert result.model_dir is not None
    assert result.example_losses is not None
    assert (result.example_losses.examples, result.example_losses.of) == (10, 10)
    rows = files.read(result.model_dir / files.FILE)
    assert [row.position for row in rows] == list(range(10))
    assert [row.split for row in rows] == [example.split for example in examples]
    tuned, tokenizer = load_tuned(tiny_base, result.model_dir), load_tokenizer(tiny_base)
    for row in rows:
        assert row.loss == pytest.approx(alone(tuned, tokenizer, row.position, examples), rel=1e-4)
        assert 0 <= row.right <= row.tokens


def test_the_pass_ends_in_time_and_gives_signs_of_life(
    tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(example_losses, "BATCH_TOKENS", 1)  # one example at a time
    monkeypatch.setattr(example_losses, "BATCH_EXAMPLES", 1)
    model, tokenizer = load_model(tiny_base), load_tokenizer(tiny_base)
    data = prepare(tiny.examples(), tokenizer, max_seq_length=128)
    asked: list[int] = []
    found = example_losses.measure(model, data, tmp_path, allowed_s=0.0, seed=1, sign_of_life=lambda: asked.append(1))
    assert (found.examples, found.of, len(asked)) == (1, 10, 1)
    assert len(files.read(tmp_path / files.FILE)) == 1


def test_a_calibration_measures_no_examples(tiny_base: Path, tmp_path: Path) -> None:
    result = train(
        tiny_base, tiny.examples(), build("lora"), tiny.training(), tmp_path, watching=Watching(), max_steps=2
    )
    assert result.example_losses is None
