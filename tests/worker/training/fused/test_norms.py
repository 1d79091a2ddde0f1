"""Fused norms have the values and gradients of the original ones."""

from __future__ import annotations

from pathlib import Path

import torch

from worker.training import fused
from worker.training.model_files import load_model


def test_norms_return_the_same_values_and_gradients(tiny_base: Path) -> None:
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


def test_frozen_norms_have_no_gradient_and_pass_it_on(tiny_base: Path) -> None:
    model = load_model(tiny_base)
    norm = model.model.norm.requires_grad_(requires_grad=False)
    x = torch.randn(1, 3, model.config.hidden_size, requires_grad=True)
    with fused.norms(model):
        norm(x).sum().backward()
    assert norm.weight.grad is None
    assert x.grad is not None


class Shifted(torch.nn.Module):
    """A norm like Gemma's: it adds 1 to the weight."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(8))
        self.variance_epsilon = 1e-6

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.rms_norm(x, (8,), 1 + self.weight, self.variance_epsilon)


def test_a_norm_of_another_kind_is_not_replaced() -> None:
    model = torch.nn.Sequential(Shifted())
    x = torch.randn(2, 8)
    before = model(x)
    with fused.norms(model) as changed:
        torch.testing.assert_close(model(x), before)
    assert changed == 0
