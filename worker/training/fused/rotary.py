"""Rotary position embeddings as one operation instead of nine."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import torch
from torch.autograd.function import once_differentiable

_NAME: Final = "apply_rotary_pos_emb"  # what transformers calls it in every family that has it
_EXACT: Final = 1e-5


class _Rotate(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(cos, sin)
        return _rotated(x, cos, sin, -1.0)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        cos, sin = ctx.saved_tensors
        return _rotated(gradient, cos, sin, 1.0), None, None  # turned back


def _rotated(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, sign: float) -> torch.Tensor:
    """Both halves of the last dimension turned against each other; `cos` and `sin` hold the angles of one half."""
    half = x.shape[-1] // 2
    out = torch.empty_like(x)
    for mine, other, way in ((slice(half), slice(half, None), sign), (slice(half, None), slice(half), -sign)):
        place = out[..., mine]
        torch.mul(x[..., mine], cos, out=place)
        place.addcmul_(x[..., other], sin, value=way)
    return out


def rotate(
    q: torch.Tensor, k: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, unsqueeze_dim: int = 1
) -> tuple[torch.Tensor, torch.Tensor]:
    """Queries and keys (batch, heads, tokens, width) turned by their positions' angles (batch, tokens, width), of
    which both halves of the width hold the same."""
    half = cos.shape[-1] // 2
    cos, sin = (part[..., :half].unsqueeze(unsqueeze_dim) for part in (cos, sin))
    apply: Any = _Rotate.apply
    return apply(q, cos, sin), apply(k, cos, sin)


@contextmanager
def rotations(model: torch.nn.Module) -> Iterator[int]:
    """Give the modules of transformers that a model on a CPU is made of the rotation above, where theirs is that one;
    how many there were. Afterwards all have theirs again."""
    changed = {}
    if next(model.parameters()).device.type == "cpu":
        for name in {type(module).__module__ for module in model.modules()}:
            home = sys.modules.get(name)
            own = getattr(home, _NAME, None)
            if own is not None and _same(own):
                changed[name] = own
                setattr(home, _NAME, _forward(own))
    try:
        yield len(changed)
    finally:
        for name, own in changed.items():
            setattr(sys.modules[name], _NAME, own)


def _forward(own: Callable[..., Any]) -> Callable[..., Any]:
    def forward(q: Any, k: Any, cos: Any, sin: Any, *args: Any, **kwargs: Any) -> Any:
        plain = all(part.dtype == torch.float32 and part.device.type == "cpu" for part in (q, k, cos, sin))
        whole = q.shape[-1] == k.shape[-1] == cos.shape[-1] == sin.shape[-1]
        return (rotate if plain and whole else own)(q, k, cos, sin, *args, **kwargs)

    return forward


def _same(own: Callable[..., Any]) -> bool:
    """Whether a rotation gives what the one above gives, and its gradients."""
    angles = torch.linspace(0, 3, 5)[:, None] * torch.tensor([1.0, 0.1, 1.0, 0.1])
    found = []
    for way in (own, rotate):
        q, k = ((seed + torch.arange(24.0)).sin().reshape(1, 2, 3, 4).requires_grad_() for seed in (1, 2))
        try:
            with torch.enable_grad():
                out = way(q, k, angles.cos()[None, :3], angles.sin()[None, :3])
                slopes = torch.autograd.grad((out[0] * q.detach().cos()).sum() + (out[1] * k.detach()).sum(), (q, k))
        except (RuntimeError, TypeError, ValueError, IndexError):
            return False
        found.append(torch.stack([*(part.detach() for part in out), *slopes]))
    return torch.allclose(found[0], found[1], rtol=_EXACT, atol=_EXACT)
