"""Fused rotary embeddings have the original values and gradients; a different rotation is not replaced."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers.models.llama import modeling_llama

from worker.training import fused
from worker.training.model_files import load_model


def test_the_rotation_returns_the_same_values_and_gradients(tiny_base: Path) -> None:
    model, own = load_model(tiny_base), modeling_llama.apply_rotary_pos_emb
    ids = torch.randint(model.config.vocab_size, (2, 30))
    plain = model(input_ids=ids, labels=ids)
    plain.loss.backward()
    expected = [weight.grad.clone() for weight in model.parameters()]
    model.zero_grad()
    with fused.rotations(model) as changed:
        assert modeling_llama.apply_rotary_pos_emb is not own
        out = model(input_ids=ids, labels=ids)
        out.loss.backward()
    assert changed == 1
    assert modeling_llama.apply_rotary_pos_emb is own
    torch.testing.assert_close(out.logits, plain.logits, rtol=1e-5, atol=1e-5)
    for weight, gradient in zip(model.parameters(), expected, strict=True):
        torch.testing.assert_close(weight.grad, gradient, rtol=1e-4, atol=1e-6)


def test_the_rotation_works_with_other_dimension_orders() -> None:
    """Heads before tokens or after them, in the memory layout of a projection: the same result."""
    made = torch.randn(2, 7, 3, 8)
    angles = torch.rand(2, 7, 4).repeat(1, 1, 2)
    first, _ = fused.rotate(made.transpose(1, 2), made.transpose(1, 2), angles.cos(), angles.sin())
    second, _ = fused.rotate(made, made, angles.cos(), angles.sin(), unsqueeze_dim=2)
    assert torch.equal(first.transpose(1, 2), second)
    expected, _ = modeling_llama.apply_rotary_pos_emb(made, made, angles.cos(), angles.sin(), unsqueeze_dim=2)
    torch.testing.assert_close(second, expected)


def _pairs(q, k, cos, sin, unsqueeze_dim=1):
    """Rotate neighboring pairs instead of halves, as some families do."""
    cos, sin = cos.unsqueeze(unsqueeze_dim), sin.unsqueeze(unsqueeze_dim)
    turned = [torch.stack((-x[..., 1::2], x[..., ::2]), -1).flatten(-2) for x in (q, k)]
    return q * cos + turned[0] * sin, k * cos + turned[1] * sin


def _no_angles(q, k):
    return q, k


@pytest.mark.parametrize("other", [_pairs, _no_angles])
def test_a_rotation_of_another_kind_is_not_replaced(tiny_base: Path, monkeypatch: pytest.MonkeyPatch, other) -> None:
    monkeypatch.setattr(modeling_llama, "apply_rotary_pos_emb", other)
    with fused.rotations(load_model(tiny_base)) as changed:
        assert changed == 0
        assert modeling_llama.apply_rotary_pos_emb is other


def test_half_precision_and_partial_rotation_use_the_original(tiny_base: Path) -> None:
    own = modeling_llama.apply_rotary_pos_emb
    q = torch.randn(1, 2, 3, 8)
    angles = torch.rand(1, 3, 4).repeat(1, 1, 2)
    with fused.rotations(load_model(tiny_base)):
        half = modeling_llama.apply_rotary_pos_emb(q.bfloat16(), q.bfloat16(), angles.cos(), angles.sin())
        assert torch.equal(half[0], own(q.bfloat16(), q.bfloat16(), angles.cos(), angles.sin())[0])
        with pytest.raises(RuntimeError):  # as its own does: these angles are of no such width
            modeling_llama.apply_rotary_pos_emb(q, q, angles.cos()[..., :6], angles.sin()[..., :6])
