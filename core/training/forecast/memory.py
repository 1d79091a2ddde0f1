"""Memory before launch: what a run needs, part by part, compared with what is free on the device."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal, Protocol

from core.models.base_models.records import Dims
from core.models.methods.base import Method
from core.text import size as size_text
from core.training.forecast.activations import activation_bytes, logit_bytes
from core.training.forecast.batches import Widest, at_most
from core.training.forecast.device import Device
from core.training.precision import WIDTHS, usual

Verdict = Literal["fits", "tight", "too_large"]

MARGIN: Final = 1.15  # Source: memory estimators miss by about this much
# Python with torch and trl, before a model is loaded (measured); the CUDA context. Source: Unsloth Studio's estimator
BASELINE_BYTES: Final = {"cpu": 560 << 20, "cuda": 1_434 << 20}
LOADED_BYTES: Final = {"cpu": 30 << 20, "cuda": 0}  # code that torch loads with the first step (measured)
PREPARED_BYTES: Final = 120 << 20  # products in bf16 that a CPU keeps prepared (measured; `worker.training.runtime`)
ADAPTER_BYTES: Final = 4  # adapters and Adam's two moments are fp32 beside a base of any precision
LOADING_HEAP: Final = 1.7  # a CPU's heap while a base is quantized, relative to its size afterwards (measured)
GPU_HEAP: Final = 1.1  # torch's caching allocator holds blocks that are no longer needed
# On a CPU `bench/forecast.py` checks the arithmetic to within 15 %; on a GPU it was only compared with published
# figures.
_RANGE: Final = {"cpu": (0.85, 1.15), "cuda": (0.8, 1.25)}
_MEASURED_LOW, _MEASURED_HIGH = 0.95, 1.1


class CountedRun(Protocol):
    """The numbers of a run that memory depends on."""

    @property
    def per_device_batch_size(self) -> int: ...
    @property
    def gradient_accumulation_steps(self) -> int: ...
    @property
    def max_seq_length(self) -> int: ...
    @property
    def gradient_checkpointing(self) -> str: ...


@dataclass(frozen=True, slots=True)
class MemoryForecast:
    """Bytes by part, their range, and the verdict for the free memory.

    `measured` is True when the range comes from an earlier run with these settings on this machine instead of the
    arithmetic.
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

    @property
    def above_baseline(self) -> int:
        """Bytes that the run adds to its process."""
        return self.expected - dict(self.parts)["process"]


def forecast_memory(
    dims: Dims,
    method: Method,
    run: CountedRun,
    device: Device,
    *,
    batch: Widest | None = None,
    longest_tokens: int | None = None,
    peak_bytes: int = 0,
    file_bytes_per_param: float = 0.0,
    precision: str = "",
) -> MemoryForecast:
    """Forecast the peak of a training process.

    Args:
        dims: shape of the base model.
        method: what is trained and how the frozen weights are stored.
        run: batch and maximum length.
        device: where it runs, with its free memory.
        batch: the widest micro-batch of the run, if its examples are known.
        longest_tokens: length of the longest example, if only that is known: no batch is longer.
        peak_bytes: the peak of an earlier run with the same settings on this machine; 0 if there is none.
        file_bytes_per_param: bytes per weight in the base's files; 0 if not known.
        precision: fp32 or bf16; "" for the device's usual one.
    """
    length = min(run.max_seq_length, longest_tokens) if longest_tokens else run.max_seq_length
    batch = batch or at_most(run.per_device_batch_size, run.gradient_accumulation_steps, length)
    widths = _Widths.of(precision or usual(device.kind), method, device)
    parts = _parts(dims, method, device, batch, run.gradient_checkpointing, widths)
    if file_bytes_per_param and device.kind == "cpu":
        parts = _with_loading(parts, _loading(dims, method, widths.base, file_bytes_per_param))
    expected = sum(size for _, size in parts)
    low, high = (round(expected * factor) for factor in _RANGE[device.kind])
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
        text=_text(verdict, device.free_bytes),
        measured=bool(peak_bytes),
    )


def either(one: MemoryForecast, other: MemoryForecast) -> MemoryForecast:
    """The forecast of a run that may become one of two: the parts of the larger one, and the range of both."""
    most = max(one, other, key=lambda found: found.expected)
    low, high = min(one.low, other.low), max(one.high, other.high)
    verdict = _verdict(low, high, most.free_bytes)
    return replace(most, low=low, high=high, verdict=verdict, text=_text(verdict, most.free_bytes))


@dataclass(frozen=True, slots=True)
class _Widths:
    """Bytes per number: of the base's weights, of trained weights with their gradients and moments, of activations, of
    those inside the attention (`worker/training/attention.py`), and of the rounded copies of fp32 weights that compute
    in bf16 (0 without them)."""

    base: int
    trained: int
    activations: int
    attention: int
    copies: int = 0

    @classmethod
    def of(cls, precision: str, method: Method, device: Device) -> _Widths:
        width = WIDTHS[precision]
        attention = WIDTHS["fp32"] if device.kind == "cpu" and method.packs else width
        if method.peft_type is not None:
            return cls(width, ADAPTER_BYTES, width, attention)
        if device.kind == "cpu" and precision == "bf16":  # fp32 weights, rounded for each product
            return cls(WIDTHS["fp32"], WIDTHS["fp32"], width, attention, width)
        return cls(width, width, width, attention)


def _parts(
    dims: Dims, method: Method, device: Device, batch: Widest, checkpointing: str, widths: _Widths
) -> tuple[tuple[str, int], ...]:
    """Bytes by part at the moment of the peak.

    Gradients are allocated while activations are freed, layer by layer, so one reuses the space of the other. Only if a
    step has several micro-batches are the gradients of the first in memory with the next one's activations. On a CPU
    the gradients of the previous step leave gaps that the new ones do not fill, even with few tokens.
    """
    trained = method.trainable_params(dims)
    adapter = method.peft_type is not None
    gradients = trained * widths.trained
    factor = method.heap_factor(widths.activations) if device.kind == "cpu" else GPU_HEAP
    own_chunks = device.kind == "cpu" and adapter
    logits = logit_bytes(dims.vocab_size, batch, own_chunks=own_chunks)  # large enough to be returned at once: no gaps
    activations = activation_bytes(dims, method, batch, widths.activations, checkpointing, attention=widths.attention)
    activations = round(activations * factor) + logits
    stored = activations if batch.several else max(0, activations - gradients)
    optimizer = 2 * trained * widths.trained
    prepared = PREPARED_BYTES if device.kind == "cpu" and widths.activations < WIDTHS["fp32"] else 0
    weights = round(method.base_bytes(dims, widths.base)) + dims.params * widths.copies
    return (
        ("weights", weights + (trained * widths.trained if adapter else 0)),
        ("gradients", gradients),
        ("optimizer", optimizer),
        ("activations", stored),
        ("holes", max(0, gradients - stored) if device.kind == "cpu" else 0),
        ("overhead", LOADED_BYTES[device.kind] + prepared),
        ("process", BASELINE_BYTES[device.kind]),
    )


def _loading(dims: Dims, method: Method, width: int, file_width: float) -> int:
    """Bytes when the base has just been read: its mapped files, and the weights built from them.

    Weights that are used as they are in the file are not in memory twice.
    """
    built = method.base_bytes(dims, width)
    if "quantization" in method.load_arguments():
        built *= LOADING_HEAP  # each weight is converted, cut into blocks and packed, which leaves gaps
    elif file_width == width:
        built = 0.0
    return round(dims.params * file_width + built)


def _with_loading(parts: tuple[tuple[str, int], ...], loading: int) -> tuple[tuple[str, int], ...]:
    """The parts, and by how much loading the base exceeds the steps."""
    beside = {"overhead", "process"}
    steps = sum(size for name, size in parts if name not in beside)
    main = [part for part in parts if part[0] not in beside]
    return (*main, ("loading", max(0, loading - steps)), *(part for part in parts if part[0] in beside))


_TEXTS: Final[dict[str, str]] = {
    "fits": "Fits in the {free} free now.",
    "tight": "Tight: it may not fit in the {free} free now. A smaller batch or maximum length helps.",
    "too_large": "Does not fit in the {free} free now. Choose a smaller base model, batch or maximum length.",
}


def _verdict(low: int, high: int, free: int) -> Verdict:
    if high * MARGIN <= free:
        return "fits"
    return "tight" if low * MARGIN <= free else "too_large"


def _text(verdict: Verdict, free: int) -> str:
    return _TEXTS[verdict].format(free=size_text(free))
