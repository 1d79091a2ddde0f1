"""Rotary position embeddings as one operation instead of nine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final

import torch
from torch.autograd.function import once_differentiable

from worker.training.fused.patching import patched

_NAME: Final = "apply_rotary_pos_emb"  # its name in every transformers family that has it
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
        return _rotated(gradient, cos, sin, 1.0), None, None  # rotated back


def _rotated(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, sign: float) -> torch.Tensor:
    """Rotate the halves of the last dimension against each other; `cos` and `sin` hold the angles of one half."""
    half = x.shape[-1] // 2
    out = torch.empty_like(x)
    for mine, other, factor in ((slice(half), slice(half, None), sign), (slice(half, None), slice(half), -sign)):
        half_out = out[..., mine]
        torch.mul(x[..., mine], cos, out=half_out)
        half_out.addcmul_(x[..., other], sin, value=factor)
    return out


def rotate(
    q: torch.Tensor, k: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, unsqueeze_dim: int = 1
) -> tuple[torch.Tensor, torch.Tensor]:
    """Rotate queries and keys (batch, heads, tokens, width) by the angles of their positions (batch, tokens, width).

    Both halves of the angles' width are equal.
    """
    half = cos.shape[-1] // 2
    cos, sin = (part[..., :half].unsqueeze(unsqueeze_dim) for part in (cos, sin))
    apply: Any = _Rotate.apply
    return apply(q, cos, sin), apply(k, cos, sin)


def rotations(model: torch.nn.Module) -> AbstractContextManager[int]:
    """Patch `apply_rotary_pos_emb` in each transformers module of a CPU model where it computes this rotation."""
    on_cpu = next(model.parameters()).device.type == "cpu"
    names = {type(module).__module__ for module in model.modules()} if on_cpu else set()
    homes = [sys.modules[name] for name in names if name in sys.modules]
    own = [(home, getattr(home, _NAME, None)) for home in homes]
    return patched((home, _NAME, _forward(rotation)) for home, rotation in own if rotation and _same(rotation))


def _forward(own: Callable[..., Any]) -> Callable[..., Any]:
    def forward(q: Any, k: Any, cos: Any, sin: Any, *args: Any, **kwargs: Any) -> Any:
        plain = all(part.dtype == torch.float32 and part.device.type == "cpu" for part in (q, k, cos, sin))
        complete = q.shape[-1] == k.shape[-1] == cos.shape[-1] == sin.shape[-1]
        return (rotate if plain and complete else own)(q, k, cos, sin, *args, **kwargs)

    return forward


def _same(own: Callable[..., Any]) -> bool:
    """Whether a rotation returns the same values and gradients as `rotate`."""
    angles = torch.linspace(0, 3, 5)[:, None] * torch.tensor([1.0, 0.1, 1.0, 0.1])
    results = []
    for rotation in (own, rotate):
        q, k = ((seed + torch.arange(24.0)).sin().reshape(1, 2, 3, 4).requires_grad_() for seed in (1, 2))
        try:
            with torch.enable_grad():
                out = rotation(q, k, angles.cos()[None, :3], angles.sin()[None, :3])
                slopes = torch.autograd.grad((out[0] * q.detach().cos()).sum() + (out[1] * k.detach()).sum(), (q, k))
        except (RuntimeError, TypeError, ValueError, IndexError):
            return False
        results.append(torch.stack([*(part.detach() for part in out), *slopes]))
    return torch.allclose(results[0], results[1], rtol=_EXACT, atol=_EXACT)
