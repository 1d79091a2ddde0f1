"""The fused cross-entropy has the value and gradient of torch's own."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy as plain

from worker.training import fused


@pytest.mark.parametrize("width", [torch.float32, torch.bfloat16], ids=str)
def test_the_cross_entropy_and_its_gradient_match_torch(width: torch.dtype) -> None:
    torch.manual_seed(1)
    logits = (4 * torch.randn(300, 97)).to(width).requires_grad_()
    other = logits.detach().clone().requires_grad_()
    targets = torch.randint(97, (300,))
    expected = plain(other.float(), targets, reduction="sum") / 7
    most = other.argmax(-1)
    expected.backward()
    loss, right = fused.cross_entropy(1.0 * logits, targets, 7)
    loss.backward()
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(logits.grad, other.grad)
    assert int(right) == int((most == targets).sum())


def test_a_cross_entropy_of_no_answers_is_zero() -> None:
    logits = torch.randn(0, 97, requires_grad=True)
    loss, right = fused.cross_entropy(logits, torch.zeros(0, dtype=torch.long))
    loss.backward()
    assert (float(loss.detach()), int(right)) == (0.0, 0)


def test_an_infinite_logit_returns_a_nan_loss() -> None:
    logits = torch.zeros(2, 5)
    logits[1, 2] = float("inf")
    loss, _ = fused.cross_entropy(logits, torch.tensor([0, 1]))
    assert not torch.isfinite(loss)


def test_without_a_gradient_the_logits_are_unchanged() -> None:
    logits = torch.randn(5, 9)
    before = logits.clone()
    fused.cross_entropy(logits, torch.zeros(5, dtype=torch.long))
    assert torch.equal(logits, before)


def test_a_scaled_loss_scales_its_gradient() -> None:
    logits, targets = torch.randn(5, 9, requires_grad=True), torch.arange(5)
    (expected,) = torch.autograd.grad(3 * plain(logits, targets, reduction="sum"), logits)
    loss, _ = fused.cross_entropy(1.0 * logits, targets)
    (3 * loss).backward()
    torch.testing.assert_close(logits.grad, expected)
