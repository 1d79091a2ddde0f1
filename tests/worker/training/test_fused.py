"""Operations with their backward written out: the same values and gradients as the plain ones."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn.functional import cross_entropy as plain

from worker.training import fused
from worker.training.run import load_model


@pytest.mark.parametrize("width", [torch.float32, torch.bfloat16], ids=str)
def test_the_cross_entropy_and_its_gradient_are_the_plain_ones(width: torch.dtype) -> None:
    torch.manual_seed(1)
    logits = (4 * torch.randn(50, 97)).to(width).requires_grad_()
    other = logits.detach().clone().requires_grad_()
    targets = torch.randint(97, (50,))
    loss, right = fused.cross_entropy(logits, targets)
    expected = plain(other.float(), targets, reduction="sum")
    (loss / 7).backward()
    (expected / 7).backward()
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(logits.grad, other.grad)
    assert int(right) == int((other.argmax(-1) == targets).sum())


def test_a_cross_entropy_of_no_answers_is_zero() -> None:
    logits = torch.randn(0, 97, requires_grad=True)
    loss, right = fused.cross_entropy(logits, torch.zeros(0, dtype=torch.long))
    loss.backward()
    assert (float(loss.detach()), int(right)) == (0.0, 0)


def test_an_infinite_logit_gives_a_loss_that_is_no_number() -> None:
    logits = torch.zeros(2, 5)
    logits[1, 2] = float("inf")
    loss, _ = fused.cross_entropy(logits, torch.tensor([0, 1]))
    assert not torch.isfinite(loss)


def test_norms_give_the_same_values_and_gradients(tiny_base: Path) -> None:
    before, after = load_model(tiny_base), load_model(tiny_base)
    ids = torch.randint(before.config.vocab_size, (2, 30))
    with fused.norms(after) as changed:
        outs = [model(input_ids=ids, labels=ids) for model in (before, after)]
        for out in outs:
            out.loss.backward()
    assert changed == 2 * before.config.num_hidden_layers + 1
    torch.testing.assert_close(outs[0].logits, outs[1].logits, rtol=1e-5, atol=1e-5)
    for one, other in zip(before.parameters(), after.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-6)
    assert torch.equal(before(input_ids=ids).logits, after(input_ids=ids).logits)  # they have their own forward again


def test_frozen_norms_learn_nothing_and_pass_the_gradient_on(tiny_base: Path) -> None:
    model = load_model(tiny_base)
    norm = model.model.norm.requires_grad_(requires_grad=False)
    x = torch.randn(1, 3, model.config.hidden_size, requires_grad=True)
    with fused.norms(model):
        norm(x).sum().backward()
    assert norm.weight.grad is None
    assert x.grad is not None


class Shifted(torch.nn.Module):
    """As Gemma has it: the weight is what is added to 1."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(8))
        self.variance_epsilon = 1e-6

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.rms_norm(x, (8,), 1 + self.weight, self.variance_epsilon)


def test_a_norm_of_another_kind_keeps_its_own_forward() -> None:
    model = torch.nn.Sequential(Shifted())
    x = torch.randn(2, 8)
    before = model(x)
    with fused.norms(model) as changed:
        torch.testing.assert_close(model(x), before)
    assert changed == 0
