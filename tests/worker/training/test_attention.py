"""Attention over examples placed end to end, in the precision whose backward pass is the fast one."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import pytest
import torch

from worker.training.attention import _attend

SEGMENTS = (3, 6, 2)


def attend(parts: list[torch.Tensor]) -> torch.Tensor:
    query, key, value = parts
    return _attend(torch.nn.Module(), query, key, value, None, segments=SEGMENTS)[0]


@pytest.mark.parametrize(
    "around", [nullcontext(), torch.autocast("cpu", dtype=torch.bfloat16)], ids=["plain", "autocast"]
)
def test_bf16_with_gradients_is_computed_in_fp32_and_rounded_once(around: AbstractContextManager[object]) -> None:
    torch.manual_seed(0)
    shapes = [(1, heads, sum(SEGMENTS), 8) for heads in (4, 2, 2)]
    rounded = [torch.randn(shape, dtype=torch.bfloat16).requires_grad_() for shape in shapes]
    wide = [part.detach().float().requires_grad_() for part in rounded]
    with around:
        out = attend(rounded)
    expected = attend(wide)
    assert out.dtype == torch.bfloat16
    assert torch.equal(out, expected.to(torch.bfloat16))
    slope = torch.randn(out.shape).to(torch.bfloat16)
    found = torch.autograd.grad(out, rounded, slope)
    for one, other in zip(found, torch.autograd.grad(expected, wide, slope.float()), strict=True):
        assert torch.equal(one, other.to(torch.bfloat16))


def test_queries_and_keys_in_fp32_beside_values_in_bf16_are_not_rounded() -> None:
    """What autocast of fp32 weights leads to: the rotation by fp32 angles returns fp32."""
    torch.manual_seed(0)
    query, key, value = (torch.randn(1, 2, sum(SEGMENTS), 8) for _ in range(3))
    rounded = value.to(torch.bfloat16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = attend([query.requires_grad_(), key, rounded])
    assert torch.equal(out, attend([query, key, rounded.float()]).to(torch.bfloat16))


def test_each_example_attends_only_to_itself() -> None:
    torch.manual_seed(0)
    parts = [torch.randn(1, 2, sum(SEGMENTS), 8) for _ in range(3)]
    before = attend(parts)
    parts[2][:, :, : SEGMENTS[0]] += 1.0  # the values of the first example
    changed = (attend(parts) != before).any(-1).any(-1)[0]
    assert changed.tolist() == [True] * 3 + [False] * 8
