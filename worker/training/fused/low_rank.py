"""A frozen linear layer and the two thin matrices beside it, as one operation."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from worker.training.fused.patching import patched


class _LowRank(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        a: torch.Tensor,
        b: torch.Tensor,
        scale: float,
    ) -> torch.Tensor:
        rows = x.reshape(-1, x.shape[-1])
        thin = rows @ a.t()
        out = torch.nn.functional.linear(rows, weight, bias).addmm_(thin, b.t(), alpha=scale)
        ctx.save_for_backward(x, thin, weight, a, b)
        ctx.scale = scale
        return out.view(*x.shape[:-1], -1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[Any, ...]:
        x, thin, weight, a, b = ctx.saved_tensors
        slope = gradient.reshape(-1, gradient.shape[-1])
        thin_slope = (slope @ b).mul_(ctx.scale)
        to_x = None
        if ctx.needs_input_grad[0]:
            to_x = (slope @ weight).addmm_(thin_slope, a).view(x.shape)
        to_a = thin_slope.t() @ x.reshape(-1, x.shape[-1])
        to_b = (slope.t() @ thin).mul_(ctx.scale)
        return to_x, None, None, to_a, to_b, None


def low_rank(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, a: torch.Tensor, b: torch.Tensor, scale: float
) -> torch.Tensor:
    """Compute x W^T + bias + scale (x A^T) B^T over the last dimension, with W and the bias frozen.

    The backward pass can run once.
    """
    apply: Any = _LowRank.apply
    out: torch.Tensor = apply(x, weight, bias, a, b, scale)
    return out


def adapters(model: torch.nn.Module) -> AbstractContextManager[int]:
    """Replace the forward of PEFT's LoRA layers on a CPU that only add the product (no dropout, no DoRA)."""
    return patched((module, "forward", _forward(module)) for module in model.modules() if _only_adds(module))


def _forward(module: Any) -> Any:
    def forward(x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        if args or kwargs or x.dtype != torch.float32 or not _only_adds(module):
            own: torch.Tensor = type(module).forward(module, x, *args, **kwargs)
            return own
        base, (name,) = module.base_layer, module.active_adapters
        a, b = module.lora_A[name].weight, module.lora_B[name].weight
        return low_rank(x, base.weight, base.bias, a, b, module.scaling[name])

    return forward


def _only_adds(module: Any) -> bool:
    from peft.tuners.lora.layer import Linear  # not at import: unsloth has to come before peft

    if type(module) is not Linear or type(module.base_layer) is not torch.nn.Linear:
        return False
    if module.disable_adapters or module.merged or module.lora_variant or len(module.active_adapters) != 1:
        return False
    (name,) = module.active_adapters
    if name not in module.lora_A or not isinstance(module.lora_dropout[name], torch.nn.Identity):
        return False
    base, a, b = module.base_layer, module.lora_A[name], module.lora_B[name]
    weights = [part for part in (base.weight, base.bias) if part is not None]
    plain = all(part.dtype == torch.float32 and part.device.type == "cpu" for part in (*weights, a.weight, b.weight))
    return plain and b.bias is None and not any(part.requires_grad for part in weights)
