"""The first batch as text is the batch that the model read: all of its text, with the answers marked as learned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.messages import Example, Message
from tests.support import tiny
from worker.training.batches import Packer
from worker.training.data import prepare
from worker.training.engines import Watching
from worker.training.first_batch import shown
from worker.training.model_files import load_tokenizer
from worker.training.run import train

LESSON = [*tiny.examples()[:3], Example((Message("user", "Say it."), Message("assistant", "Grüße, 漢字 😀!")))]


@pytest.mark.parametrize("layout", ["segments", "rows", "alone"])
def test_every_token_is_in_its_example_and_answers_are_learned(tiny_base: Path, layout: Any) -> None:
    tokenizer = load_tokenizer(tiny_base)
    items = prepare(LESSON, tokenizer, max_seq_length=128).train
    plain = shown(Packer(layout, 10_000, 4).step(items), tokenizer)
    assert (plain["examples"], plain["micro_batches"]) == (4, 1)
    assert len(plain["rows"]) == {"segments": 1, "alone": 4}.get(layout, len(plain["rows"]))
    examples = [example for row in plain["rows"] for example in row]
    assert len(examples) == 4
    learned = {"".join(text for text, on, _, _ in example if on) for example in examples}
    assert learned == {f"{example.messages[-1].content}<|end|>" for example in LESSON}
    for example in examples:
        ends = [position + tokens for _, _, position, tokens in example]
        assert [position for _, _, position, _ in example] == [0, *ends[:-1]]


def test_a_long_batch_is_counted_beyond_its_text(tiny_base: Path) -> None:
    tokenizer = load_tokenizer(tiny_base)
    long = Example((Message("user", "Go on."), Message("assistant", "word " * 900)))
    step = Packer("segments", 100_000, 4).step(prepare([long] * 3, tokenizer, max_seq_length=2_000).train)
    plain = shown(step, tokenizer)
    assert plain["left_out"] == step.tokens - 2_000


def test_the_first_batch_is_shown_once_and_not_after_a_resume(tiny_base: Path, tmp_path: Path) -> None:
    from core.models.methods import build

    seen: list[dict[str, Any]] = []
    asked = iter(["", "pause", "", "", ""])
    numbers = tiny.training(num_epochs=1, per_device_batch_size=3)
    for _ in range(2):
        watching = Watching(on_first_batch=seen.append, signal=lambda: next(asked))
        train(tiny_base, tiny.examples(), build("lora"), numbers, tmp_path, watching=watching)
    assert [plain["examples"] for plain in seen] == [3]
