"""Operations with a hand-written backward pass, for a CPU, where autograd's own pieces cost more than the arithmetic.

On a CPU a step of a small model is bound by memory: each elementwise pass over the tokens of a step costs about as much
as a matrix product of that width. The operations return what the plain ones return, up to rounding: the cross-entropy,
a frozen linear layer with two thin matrices beside it, RMS norms and rotary position embeddings. They take fp32 and
bf16; in bf16 the thin matrices are rounded for their products, and their gradients are fp32 again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Final, cast

import torch
from torch.autograd.function import once_differentiable

_ROWS: Final = 128  # of logits at a time on a CPU: with a vocabulary of 4,000 they stay in the cache from pass to pass
_GPU_ROWS: Final = 4096  # enough to fill a GPU, and few enough that a copy of them in fp32 is small
_EXACT: Final = {torch.float32: 1e-5, torch.bfloat16: 2e-2}  # largest difference of a value or a gradient
_ROTATION: Final = "apply_rotary_pos_emb"  # its name in every transformers family that has it


@contextmanager
def layers(model: Any) -> Iterator[None]:
    """Temporarily replace a CPU model's forward methods with equivalent fused versions; restored on exit."""
    with norms(model), rotations(model), adapters(model):
        yield


@contextmanager
def patched(changes: Iterable[tuple[Any, str, Any]]) -> Iterator[int]:
    """Set attributes, given as (object, name, value), and restore what was there before on exit.

    Yields:
        How many attributes were set.
    """
    changes = list(changes)
    before = [vars(target).get(name) for target, name, _ in changes]
    for target, name, value in changes:
        setattr(target, name, value)
    try:
        yield len(changes)
    finally:
        for (target, name, _), value in zip(changes, before, strict=True):
            if value is None:
                delattr(target, name)
            else:
                setattr(target, name, value)


def _same(forwards: Sequence[Callable[..., Any]], run: Callable[[Callable[..., Any]], list[torch.Tensor]]) -> bool:
    """Whether two functions return the same values and gradients; `run` calls one of them with a probe."""
    results = []
    for forward in forwards:
        try:
            with torch.enable_grad():
                results.append(torch.cat(run(forward)).detach())
        except (RuntimeError, TypeError, ValueError, IndexError):
            return False
    exact = _EXACT[results[0].dtype]
    return torch.allclose(results[0], results[1].to(results[0].dtype), rtol=exact, atol=exact)


def sum_losses(
    logits: torch.Tensor, targets: torch.Tensor, divisor: float, *, learns: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """The summed cross-entropy in fp32, and how many targets are the argmax. If it learns, its gradient divided by
    `divisor` overwrites the logits."""
    loss = torch.zeros((), dtype=torch.float32, device=logits.device)
    correct = torch.zeros((), dtype=torch.long, device=logits.device)
    rows = _ROWS if logits.device.type == "cpu" else _GPU_ROWS
    in_place = learns and logits.dtype == torch.float32
    room = None if in_place else logits.new_empty((min(rows, len(logits)), logits.shape[-1]), dtype=torch.float32)
    for part, part_targets in zip(torch.split(logits, rows), torch.split(targets, rows), strict=True):
        at = part_targets[:, None]
        likely = part if room is None else room[: len(part)].copy_(part)
        highest, chosen = likely.amax(-1, keepdim=True), likely.gather(-1, at)
        correct += (chosen >= highest).sum()
        likely.sub_(highest).exp_()
        mass = likely.sum(-1, keepdim=True)
        loss += (mass.log() + highest - chosen).sum()
        if learns:
            likely.mul_(mass.mul_(divisor).reciprocal_())
            likely.scatter_add_(-1, at, likely.new_full(at.shape, -1 / divisor))
            if room is not None:
                part.copy_(likely)
    return loss, correct


class _CrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, logits: torch.Tensor, targets: torch.Tensor, divisor: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        learns = ctx.needs_input_grad[0]
        place = logits.detach()
        loss, correct = sum_losses(place, targets, divisor, learns=learns)
        if learns:
            ctx.save_for_backward(place)
        ctx.mark_non_differentiable(correct)
        return loss / divisor, correct

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor, _: Any) -> tuple[torch.Tensor, None, None]:
        (slope,) = ctx.saved_tensors
        if gradient.device.type == "cpu" and float(gradient) == 1.0:
            return slope, None, None
        return slope.mul_(gradient), None, None


def cross_entropy(
    logits: torch.Tensor, targets: torch.Tensor, divisor: float = 1.0
) -> tuple[torch.Tensor, torch.Tensor]:
    """The cross-entropy of logits (answers, vocabulary) and targets (answers,), and how many argmax predictions match.

    The loss is summed and divided by `divisor`, in fp32. Where a gradient is needed, it overwrites the logits, and the
    backward pass can run once.
    """
    apply: Any = _CrossEntropy.apply
    loss, correct = apply(logits, targets, divisor)
    return loss, correct


@dataclass(frozen=True, slots=True)
class Plain:
    """A frozen linear layer whose weight has the dtype of its input."""

    own: torch.Tensor
    bias: torch.Tensor | None

    def product(self, rows: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.linear(rows, self.own, self.bias)

    def slope(self, slope: torch.Tensor) -> torch.Tensor:
        return slope @ self.own


@dataclass(frozen=True, slots=True)
class Packed:
    """A frozen linear layer that bitsandbytes stores in 4 bits. Its weight is unpacked again in the backward pass."""

    layer: Any

    def product(self, rows: torch.Tensor) -> torch.Tensor:
        return cast("torch.Tensor", self.layer(rows))

    def slope(self, slope: torch.Tensor) -> torch.Tensor:
        from bitsandbytes.functional import dequantize_4bit

        packed, dtype = self.layer.weight, self.layer.compute_dtype or slope.dtype
        weight = dequantize_4bit(packed.data, packed.quant_state).to(dtype)
        return (slope.to(dtype) @ weight).to(slope.dtype)


class _LowRank(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, frozen: Plain | Packed, a: torch.Tensor, b: torch.Tensor, scale: float
    ) -> torch.Tensor:
        rows, down, up = x.reshape(-1, x.shape[-1]), a.to(x.dtype), b.to(x.dtype)
        thin = rows @ down.t()
        out = frozen.product(rows).addmm_(thin, up.t(), alpha=scale)
        ctx.save_for_backward(x, thin, down, up)
        ctx.frozen, ctx.scale, ctx.dtypes = frozen, scale, (a.dtype, b.dtype)
        return out.view(*x.shape[:-1], -1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[Any, ...]:
        x, thin, down, up = ctx.saved_tensors
        slope = gradient.reshape(-1, gradient.shape[-1])
        thin_slope = (slope @ up).mul_(ctx.scale)
        to_x = None
        if ctx.needs_input_grad[0]:
            to_x = ctx.frozen.slope(slope).addmm_(thin_slope, down).view(x.shape)
        to_a = thin_slope.t() @ x.reshape(-1, x.shape[-1])
        to_b = (slope.t() @ thin).mul_(ctx.scale)
        return to_x, None, to_a.to(ctx.dtypes[0]), to_b.to(ctx.dtypes[1]), None


def low_rank(x: torch.Tensor, frozen: Plain | Packed, a: torch.Tensor, b: torch.Tensor, scale: float) -> torch.Tensor:
    """Compute x W^T + bias + scale (x A^T) B^T over the last dimension, with the layer of W and the bias frozen.

    The backward pass can run once.
    """
    apply: Any = _LowRank.apply
    out: torch.Tensor = apply(x, frozen, a, b, scale)
    return out


def adapters(model: torch.nn.Module) -> AbstractContextManager[int]:
    """Replace the forward of PEFT's LoRA layers on a CPU that only add the product (no dropout, no DoRA), beside a
    plain layer or one in 4 bits."""
    return patched((module, "forward", _adapter_forward(module)) for module in model.modules() if _only_adds(module))


def _adapter_forward(module: Any) -> Any:
    def forward(x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        base = module.base_layer
        # outside of training mode, bitsandbytes repacks the weights for good on some processors (`quantization`)
        fits = x.dtype in _EXACT and base.training if _is_packed(base) else x.dtype == base.weight.dtype
        if args or kwargs or not fits or not _only_adds(module):
            own: torch.Tensor = type(module).forward(module, x, *args, **kwargs)
            return own
        (name,) = module.active_adapters
        frozen = Packed(base) if _is_packed(base) else Plain(base.weight, base.bias)
        return low_rank(x, frozen, module.lora_A[name].weight, module.lora_B[name].weight, module.scaling[name])

    return forward


def _is_packed(layer: Any) -> bool:
    """Whether a linear layer is stored in 4 bits. Those in 8 bits keep PEFT's forward."""
    return getattr(getattr(layer, "weight", None), "quant_state", None) is not None


def _only_adds(module: Any) -> bool:
    from peft.tuners.lora.layer import Linear, LoraLayer  # not at import: unsloth has to come before peft

    if not isinstance(module, LoraLayer):
        return False
    base = module.base_layer
    if not _is_packed(base) and not (type(module) is Linear and type(base) is torch.nn.Linear):
        return False
    if module.disable_adapters or module.merged or module.lora_variant or len(module.active_adapters) != 1:
        return False
    (name,) = module.active_adapters
    if name not in module.lora_A or not isinstance(module.lora_dropout[name], torch.nn.Identity):
        return False
    a, b = module.lora_A[name], module.lora_B[name]
    weights = [part for part in (base.weight, base.bias) if part is not None]
    alike = all(part.device.type == "cpu" and not part.requires_grad for part in weights)
    if not _is_packed(base):
        alike = alike and base.weight.dtype in _EXACT and all(part.dtype == base.weight.dtype for part in weights)
    return alike and a.weight.dtype == b.weight.dtype == torch.float32 and b.bias is None


class _RmsNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, epsilon: float) -> torch.Tensor:
        length = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=torch.float32)
        scale = length.square_().div_(x.shape[-1]).add_(epsilon).rsqrt_()
        normed = (x * scale).to(x.dtype)
        ctx.save_for_backward(normed, weight, scale)
        product: torch.Tensor = normed * weight
        return product

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None, None]:
        normed, weight, scale = ctx.saved_tensors
        if normed.dtype != torch.float32:  # its small differences are computed in fp32
            slopes = _RmsNorm.slopes(gradient.float(), normed.float(), weight.float(), scale, ctx.needs_input_grad[1])
            return slopes[0].to(normed.dtype), None if slopes[1] is None else slopes[1].to(weight.dtype), None
        return (*_RmsNorm.slopes(gradient, normed, weight, scale, ctx.needs_input_grad[1]), None)

    @staticmethod
    def slopes(
        gradient: torch.Tensor, normed: torch.Tensor, weight: torch.Tensor, scale: torch.Tensor, learns: bool
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The gradients of x and, where it learns, of the weight."""
        product = gradient * normed
        to_weight = product.flatten(0, -2).sum(0) if learns else None
        along = (product @ weight).div_(-normed.shape[-1]).unsqueeze(-1)
        return (gradient * weight).addcmul_(normed, along).mul_(scale), to_weight


def rms_norm(x: torch.Tensor, weight: torch.Tensor, epsilon: float) -> torch.Tensor:
    """Compute x / sqrt(mean(x^2) + epsilon) * weight over the last dimension. The backward pass can run once."""
    apply: Any = _RmsNorm.apply
    normed: torch.Tensor = apply(x, weight, epsilon)
    return normed


def norms(model: torch.nn.Module) -> AbstractContextManager[int]:
    """Replace the forward of a CPU model's RMS norms.

    Which ones is tested by running both: a norm that computes something else (such as one that adds 1 to its weight)
    is left as it is.
    """
    return patched((module, "forward", _norm_forward(module)) for module in model.modules() if _is_rms_norm(module))


def _is_rms_norm(module: Any) -> bool:
    epsilon, weight = getattr(module, "variance_epsilon", None), getattr(module, "weight", None)
    if epsilon is None or weight is None or weight.device.type != "cpu" or weight.dtype not in _EXACT:
        return False
    probe = torch.linspace(-2, 3, 4 * weight.numel()).sin().reshape(1, 4, -1).to(weight.dtype)

    def run(forward: Callable[[torch.Tensor], torch.Tensor]) -> list[torch.Tensor]:
        x = probe.clone().requires_grad_()
        value = forward(x)
        return [value, *torch.autograd.grad((value * probe.cos()).sum(), x)]

    return _same((module, lambda x: rms_norm(x, weight, epsilon)), run)


def _norm_forward(module: Any) -> Any:
    def forward(hidden_states: torch.Tensor) -> torch.Tensor:
        if hidden_states.dtype != module.weight.dtype:
            return cast("torch.Tensor", type(module).forward(module, hidden_states))
        return rms_norm(hidden_states, module.weight, module.variance_epsilon)

    return forward


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
    own = [(home, getattr(home, _ROTATION, None)) for home in homes]
    return patched(
        (home, _ROTATION, _rotation_forward(rotation)) for home, rotation in own if rotation and _rotates(rotation)
    )


def _rotation_forward(own: Callable[..., Any]) -> Callable[..., Any]:
    def forward(q: Any, k: Any, cos: Any, sin: Any, *args: Any, **kwargs: Any) -> Any:
        alike = all(part.dtype == q.dtype and part.device.type == "cpu" for part in (q, k, cos, sin))
        complete = q.shape[-1] == k.shape[-1] == cos.shape[-1] == sin.shape[-1]
        return (rotate if alike and q.dtype in _EXACT and complete else own)(q, k, cos, sin, *args, **kwargs)

    return forward


def _rotates(own: Callable[..., Any]) -> bool:
    """Whether a rotation returns the same values and gradients as `rotate`."""
    angles = torch.linspace(0, 3, 5)[:, None] * torch.tensor([1.0, 0.1, 1.0, 0.1])

    def run(rotation: Callable[..., Any]) -> list[torch.Tensor]:
        q, k = ((seed + torch.arange(24.0)).sin().reshape(1, 2, 3, 4).requires_grad_() for seed in (1, 2))
        out = rotation(q, k, angles.cos()[None, :3], angles.sin()[None, :3])
        return [*out, *torch.autograd.grad((out[0] * q.detach().cos()).sum() + (out[1] * k.detach()).sum(), (q, k))]

    return _same((own, rotate), run)
