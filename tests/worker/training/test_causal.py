"""Our attention of a short example in bf16, beside torch's."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from worker.training import attention, causal

SIZE = 16


def plain(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scale: float) -> torch.Tensor:
    wide = (query.float(), key.float(), value.float())
    return scaled_dot_product_attention(*wide, is_causal=True, scale=scale, enable_gqa=True).to(value.dtype)


def result(attend: Callable[..., torch.Tensor], heads: tuple[int, int], tokens: int, dtype: torch.dtype) -> list[float]:
    """The output and the gradients of query, key and value, as one list."""
    torch.manual_seed(4)
    parts = [torch.randn(1, tokens, number, SIZE).to(dtype).transpose(1, 2) for number in (heads[0], *heads[1:] * 2)]
    inputs = [part.detach().requires_grad_() for part in parts]
    out = attend(*inputs, 0.3)
    assert out.dtype == dtype
    slopes = torch.autograd.grad(out, inputs, torch.randn(out.shape).to(dtype))
    return torch.cat([part.float().flatten() for part in (out.detach(), *slopes)]).tolist()


@pytest.mark.parametrize("tokens", [1, 2, 77, causal.LONGEST])
@pytest.mark.parametrize("heads", [(6, 2), (4, 4), (3, 1)])
@pytest.mark.parametrize(("dtype", "exact"), [(torch.float32, 1e-5), (torch.bfloat16, 0.06)])
def test_values_and_gradients_are_those_of_torch(
    tokens: int, heads: tuple[int, int], dtype: torch.dtype, exact: float
) -> None:
    ours, theirs = (result(attend, heads, tokens, dtype) for attend in (causal.attend, plain))
    assert ours == pytest.approx(theirs, abs=exact, rel=exact)


def test_queries_and_keys_in_fp32_get_their_gradients_in_fp32() -> None:
    """As with autocast: the angles of their places are fp32."""
    query, key = (torch.randn(1, 4, 9, SIZE, requires_grad=True) for _ in range(2))
    value = torch.randn(1, 4, 9, SIZE, dtype=torch.bfloat16, requires_grad=True)
    slopes = torch.autograd.grad(causal.attend(query, key, value, 0.25).float().sum(), (query, key, value))
    assert [slope.dtype for slope in slopes] == [torch.float32, torch.float32, torch.bfloat16]


def test_a_row_in_bf16_uses_it_for_examples_of_its_lengths(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[int] = []
    kept = causal.attend
    monkeypatch.setattr(causal, "attend", lambda q, *rest: used.append(q.shape[2]) or kept(q, *rest))
    lengths = (causal.SHORTEST - 1, causal.SHORTEST, causal.LONGEST, causal.LONGEST + 1)
    for dtype, expected in ((torch.bfloat16, list(lengths[1:3])), (torch.float32, [])):
        used.clear()
        parts = [torch.randn(1, 2, sum(lengths), SIZE, dtype=dtype, requires_grad=True) for _ in range(3)]
        out, _ = attention._attend(torch.nn.Module(), *parts, None, segments=lengths)
        assert used == expected
        assert out.shape == (1, sum(lengths), 2, SIZE)
        used.clear()
        with torch.no_grad():
            attention._attend(torch.nn.Module(), *parts, None, segments=lengths)
        assert used == [], "nothing is learned"
