"""Memory before launch: what a run needs, part by part, held against what is free on the device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, Protocol

from core.base_models.records import Dims
from core.forecast.device import Device
from core.methods.base import Method

Verdict = Literal["fits", "tight", "too_large"]

MARGIN: Final = 1.15  # Source: memory estimators miss by about this much; held against free memory
CHECKPOINT_ABOVE_PARAMS: Final = 500_000_000  # larger models recompute activations instead of keeping them
ADAM_BYTES: Final = 8  # two fp32 moments for each trained number
PROCESS_BYTES: Final = {"cpu": 620 << 20, "cuda": 1_434 << 20}  # Python with torch and trl; the CUDA context
LOGIT_COPIES: Final = 3  # logits, their softmax and their gradient, all fp32, live at once
_LOW, _HIGH = 0.8, 1.25
_MEASURED_LOW, _MEASURED_HIGH = 0.95, 1.1


class Run(Protocol):
    """The numbers of a run that memory depends on."""

    @property
    def per_device_batch_size(self) -> int: ...
    @property
    def max_seq_length(self) -> int: ...


@dataclass(frozen=True, slots=True)
class MemoryForecast:
    """Bytes by part, their range, and a verdict against free memory.

    `measured` is True when the range comes from real steps on this machine instead of the arithmetic.
    """

    parts: tuple[tuple[str, int], ...]
    low: int
    high: int
    free_bytes: int
    total_bytes: int
    device: str
    verdict: Verdict
    text: str
    measured: bool = False

    @property
    def expected(self) -> int:
        return sum(size for _, size in self.parts)


def forecast_memory(
    dims: Dims, method: Method, run: Run, device: Device, *, longest_tokens: int | None = None, peak_bytes: int = 0
) -> MemoryForecast:
    """Forecast the peak of a training process.

    Args:
        dims: shape of the base model.
        method: decides what is trained and how the frozen weights are held.
        run: batch and maximum length.
        device: where it runs, with its free memory.
        longest_tokens: length of the longest example, where known: no batch is longer than that.
        peak_bytes: the peak that a calibration on this machine measured, 0 where there is none.
    """
    length = min(run.max_seq_length, longest_tokens) if longest_tokens else run.max_seq_length
    trained = method.trainable_params(dims)
    width = device.compute_bytes
    parts = (
        ("weights", round(method.base_bytes(dims, width))),
        ("gradients", trained * width),
        ("optimizer", trained * ADAM_BYTES),
        ("activations", activation_bytes(dims, run.per_device_batch_size * length, width, method.peft_type() is None)),
        ("process", PROCESS_BYTES[device.kind]),
    )
    expected = sum(size for _, size in parts)
    low, high = round(expected * _LOW), round(expected * _HIGH)
    if peak_bytes:
        low, high = round(peak_bytes * _MEASURED_LOW), round(peak_bytes * _MEASURED_HIGH)
    verdict = _verdict(low, high, device.free_bytes)
    return MemoryForecast(
        parts=parts,
        low=low,
        high=high,
        free_bytes=device.free_bytes,
        total_bytes=device.total_bytes,
        device=device.name,
        verdict=verdict,
        text=_TEXTS[verdict].format(free=gigabytes(device.free_bytes)),
        measured=bool(peak_bytes),
    )


def activation_bytes(dims: Dims, tokens: int, width: int, full: bool) -> int:
    """What the forward pass keeps for the backward pass, for one batch of `tokens` tokens.

    One layer keeps tokens x (H + 2K + 2 + 2M) x width x 1.25 (K key/value width, M MLP width), half as much again when
    the base itself is trained. With checkpointing only one layer does at a time and each leaves its input behind.
    Source: the arithmetic of Unsloth Studio's memory estimator.
    """
    layer = tokens * (dims.hidden_size + 2 * dims.kv_size + 2 + 2 * dims.intermediate_size) * width * 1.25
    layer *= 1.5 if full else 1.0
    if dims.params > CHECKPOINT_ABOVE_PARAMS:
        layers = layer + dims.num_layers * tokens * dims.hidden_size * width
    else:
        # without checkpointing the attention and MLP intermediates of every layer stay: about twice the estimate
        layers = 2 * layer * dims.num_layers
    return round(layers + tokens * dims.vocab_size * 4 * LOGIT_COPIES)


def gigabytes(size: int) -> str:
    """A size as people say it: `640.0 MB`, `4.3 GB` (powers of 1024, as everywhere on the screens)."""
    return f"{size / 2**30:.1f} GB" if size >= 2**30 else f"{size / 2**20:.1f} MB"


_TEXTS: Final[dict[str, str]] = {
    "fits": "Fits in the {free} that are free now.",
    "tight": "Tight: it may not fit in the {free} that are free now. A smaller batch or maximum length helps.",
    "too_large": "Does not fit in the {free} that are free now. Choose a smaller base model, batch or maximum length.",
}


def _verdict(low: int, high: int, free: int) -> Verdict:
    if high * MARGIN <= free:
        return "fits"
    return "tight" if low * MARGIN <= free else "too_large"
