"""Attention over one long row of examples placed end to end: each example attends only to itself, without padding.

The row needs no (length x length) mask: attention is computed example by example, so its cost is the sum of the squares
of their lengths, not the square of their sum. On a GPU one kernel computes all of them (varlen attention).
"""

from __future__ import annotations

import contextlib
from functools import lru_cache
from typing import Any, Final, Literal

import torch
from torch.nn.functional import scaled_dot_product_attention

from worker.training import causal, quantization
from worker.training.samples import undisturbed

NAME: Final = "segments"  # its name in transformers
Layout = Literal["segments", "rows", "alone"]
_PROBE: Final = ((3, 5, 7, 9, 11), (4, 6, 8, 10, 12, 14, 16))  # token ids of two short artificial examples
_EXACT, _ROUNDED = 1e-3, 0.15  # largest difference of a logit, in standard deviations: fp32, and 16 bit or quantized
_varlen = False  # set by `choose` if the kernel is available and returns the same as the plain computation


def _attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    segments: tuple[int, ...] | None = None,
    sliding_window: int | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """Called by transformers in every layer; query, key, value of shape (1, heads, length, head size).

    Without `segments` (such as in generation) it is transformers' own SDPA. Returns (1, length, heads, head size).
    """
    if segments is None:
        from transformers.integrations.sdpa_attention import sdpa_attention_forward

        out: tuple[torch.Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **kwargs
        )
        return out
    shared = query.shape[1] != key.shape[1]  # several query heads share a key head
    if _varlen and not dropout:
        from torch.nn.attention.varlen import varlen_attn

        borders, longest = _borders(segments, query.device), max(segments)
        window = (sliding_window - 1 if sliding_window else -1, 0)
        flat: Any = varlen_attn(
            query[0].transpose(0, 1),
            key[0].transpose(0, 1),
            value[0].transpose(0, 1),
            borders,
            borders,
            longest,
            longest,
            scale=scaling,
            window_size=window,
            enable_gqa=shared,
        )
        return flat[None], None
    # With autocast only the values are bf16 here: queries and keys were multiplied by the fp32 angles of their places.
    learns_in_bf16 = value.device.type == "cpu" and value.dtype == torch.bfloat16 and torch.is_grad_enabled()
    with torch.autocast("cpu", enabled=False) if learns_in_bf16 else contextlib.nullcontext():
        return _by_segment(query, key, value, dropout, scaling, segments, sliding_window, learns_in_bf16), None


def _by_segment(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    dropout: float,
    scaling: float | None,
    segments: tuple[int, ...],
    sliding_window: int | None,
    learns_in_bf16: bool,
) -> torch.Tensor:
    """Attention example by example; shapes as in `_attend`."""

    def one(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        length = q.shape[2]
        band = _band(length, sliding_window, q.device)
        if learns_in_bf16:
            if band is None and not dropout and causal.SHORTEST <= length <= causal.LONGEST:
                return causal.attend(q, k, v, q.shape[-1] ** -0.5 if scaling is None else scaling)
            q, k, v = q.float(), k.float(), v.float()  # the backward pass is three times as fast in fp32
        found = scaled_dot_product_attention(
            q,
            k,
            v,
            attn_mask=band,
            is_causal=band is None,
            dropout_p=dropout,
            scale=scaling,
            enable_gqa=q.shape[1] != k.shape[1],
        )
        return found.to(torch.bfloat16) if learns_in_bf16 else found

    parts = zip(*(torch.split(part, list(segments), 2) for part in (query, key, value)), strict=True)
    return torch.cat([one(*part).transpose(1, 2) for part in parts], 1)


def _band(length: int, window: int | None, device: torch.device) -> torch.Tensor | None:
    """The mask of a sliding window of `window` tokens; None if the example is not longer than that."""
    if not window or length <= window:
        return None
    places = torch.arange(length, device=device)
    back = places[:, None] - places[None, :]
    return (back >= 0) & (back < window)


@lru_cache(maxsize=64)
def _borders(segments: tuple[int, ...], device: torch.device) -> torch.Tensor:
    ends = torch.tensor((0, *segments), dtype=torch.int32, device=device)
    return ends.cumsum(0, dtype=torch.int32)


@lru_cache(maxsize=1)
def _register() -> None:
    """Register this attention with transformers; not on import, because unsloth must be imported before
    transformers."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(NAME, _attend)
    AttentionMaskInterface.register(NAME, sdpa_mask)  # for calls without segments; with segments it is not used


def arguments(segments: tuple[int, ...], device: torch.device | None = None) -> dict[str, Any]:
    """Arguments of a model's forward besides ids and positions: the lengths, and a mask so that transformers builds
    none.

    A four-dimensional mask is passed on as it is, and this attention ignores it.
    """
    return {"segments": segments, "attention_mask": torch.ones(1, 1, 1, 1, dtype=torch.bool, device=device)}


def choose(model: Any, *, packs: bool = True) -> Layout:
    """How this model's examples can be placed in a batch, by testing: two examples in one row must have the logits that
    each has alone.

    Args:
        packs: False if the training method needs every example in a separate row.

    Returns:
        `segments`: end to end in one row, with this attention. `rows`: packed rows, separated by transformers' own
        masks. `alone`: one example per row (such as for an architecture that carries state along a row).
    """
    if not packs:
        return "alone"
    _register()
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    before = base.config._attn_implementation
    with undisturbed(model), torch.no_grad():
        with contextlib.suppress(
            RuntimeError, TypeError, ValueError, AttributeError
        ):  # then each example gets a separate row
            base.set_attn_implementation("sdpa")
            alone = _alone(model)
            for layout, varlen in (("segments", True), ("segments", False), ("rows", False)):
                if varlen and next(model.parameters()).device.type != "cuda":
                    continue
                if _isolates(model, base, layout, varlen, alone):
                    return layout  # type: ignore[return-value]  # one of the three
        if base.config._attn_implementation != before:
            base.set_attn_implementation(before)
    return "alone"


def _alone(model: Any) -> torch.Tensor:
    device = next(model.parameters()).device
    logits = [model(input_ids=torch.tensor([ids], device=device), use_cache=False).logits[0] for ids in _PROBE]
    return torch.cat(logits).float()


def _isolates(model: Any, base: Any, layout: str, varlen: bool, alone: torch.Tensor) -> bool:
    """Whether the two examples have the same logits in one row as alone."""
    global _varlen
    device = next(model.parameters()).device
    ids = torch.tensor([[token for example in _PROBE for token in example]], device=device)
    places = torch.tensor([[place for example in _PROBE for place in range(len(example))]], device=device)
    _varlen = varlen
    more: dict[str, Any] = {}
    if layout == "segments":
        more = arguments(tuple(len(example) for example in _PROBE), device)
    try:
        base.set_attn_implementation(NAME if layout == "segments" else "sdpa")
        together = model(input_ids=ids, position_ids=places, use_cache=False, **more).logits[0].float()
    except (RuntimeError, TypeError, ValueError, AttributeError, ImportError):
        _varlen = False
        return False
    exact = next(model.parameters()).dtype == torch.float32 and not quantization.is_quantized(base)
    difference = float((together - alone).abs().max() / alone.std().clamp_min(1e-6))
    if difference <= (_EXACT if exact else _ROUNDED):
        return True
    _varlen = False
    return False
