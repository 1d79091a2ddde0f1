"""A prefix that starts from training examples: the base continues as if it had read them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from core.models.methods import build
from tests.support import tiny
from tests.worker.training.test_run import Run
from worker.training import tuners
from worker.training.generate import answer
from worker.training.model_files import load_model, load_tokenizer
from worker.training.tuners.prefix import first_tokens

EXAMPLES = [[5, 11, 12, 13], [5, 21, 22], [5, 31, 32, 33, 34, 35]]
ASKED = (7, 8, 9, 10)


def test_the_first_prefix_is_the_first_token_and_the_end_of_complete_examples() -> None:
    assert first_tokens(EXAMPLES, 5) == [5, 13, 5, 21, 22]
    assert first_tokens(EXAMPLES, 4) == EXAMPLES[0]
    assert first_tokens(EXAMPLES, 1) == [5]
    assert first_tokens([[5, 6]], 5) == [5, 5, 6, 5, 6]


def test_before_the_first_step_the_base_answers_as_if_it_had_read_the_examples(tiny_base: Path) -> None:
    base = load_model(tiny_base).eval()
    text = [*first_tokens([EXAMPLES[1], EXAMPLES[0], EXAMPLES[2]], 8), *ASKED]
    with torch.no_grad():
        expected = base(input_ids=torch.tensor([text])).logits[0, 8:]
    method = build("prefix_tuning", {"virtual_tokens": 8})
    model = tuners.attach(base, method).eval()
    tuners.start(model, method, [EXAMPLES[1], EXAMPLES[0], EXAMPLES[2]], seed=_seed_without_shuffling(3))
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([ASKED]), attention_mask=torch.ones(1, len(ASKED))).logits[0]
    assert torch.allclose(logits, expected, atol=1e-4)


def _seed_without_shuffling(count: int) -> int:
    """A seed that keeps the order of so few examples."""
    from core.training.forecast.batches import order

    return next(seed for seed in range(1_000) if order(count, seed, 0) == list(range(count)))


@pytest.mark.parametrize("values", [{"start": "random"}, {"projection": True, "projection_hidden_size": 16}], ids=str)
def test_a_random_or_projected_prefix_is_left_as_peft_makes_it(tiny_base: Path, values: dict[str, object]) -> None:
    method = build("prefix_tuning", {"virtual_tokens": 4, **values})
    model = tuners.attach(load_model(tiny_base), method)
    before = {name: weight.detach().clone() for name, weight in tuners.trainable(model).items()}
    tuners.start(model, method, EXAMPLES, seed=1)
    assert all(torch.equal(weight, before[name]) for name, weight in tuners.trainable(model).items())


def test_questions_of_different_lengths_are_answered_together_as_alone(tiny_base: Path) -> None:
    method = build("prefix_tuning", {"virtual_tokens": 12})
    tokenizer = load_tokenizer(tiny_base)
    model = tuners.attach(load_model(tiny_base), method).eval()
    tuners.start(model, method, [[*tokenizer(question).input_ids, 1] for question, _ in tiny.PAIRS], seed=1)
    questions = [example.messages[:1] for example in tiny.examples()[:4]]
    together = answer(model, tokenizer, questions, max_new_tokens=8)
    assert together == [answer(model, tokenizer, [question], max_new_tokens=8)[0] for question in questions]


def test_a_run_starts_from_its_examples_and_a_resumed_one_from_its_checkpoint(tiny_base: Path, tmp_path: Path) -> None:
    method = build("prefix_tuning", {"virtual_tokens": 40})
    undisturbed = Run(tiny_base, tmp_path / "one", learning_rate=1e-3)
    undisturbed.go(method)
    parts = [Run(tiny_base, tmp_path / "two", learning_rate=1e-3, signal_at=at) for at in ({5: "pause"}, {})]
    for part in parts:
        part.go(method)
    assert parts[0].losses() | parts[1].losses() == pytest.approx(undisturbed.losses())
    random = Run(tiny_base, tmp_path / "three", learning_rate=1e-3)
    random.go(build("prefix_tuning", {"virtual_tokens": 40, "start": "random"}))
    assert undisturbed.losses()[1] < random.losses()[1]
