"""Memory, time and cost of every method on every size of model, through the studio's own forecast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from core.models.base_models.records import Dims
from core.models.methods import METHODS, Method, build
from core.settings import get_settings
from core.training.forecast.device import Device, detect
from core.training.forecast.memory import MemoryForecast, forecast_memory

BYTES_PER_TRAINED: Final = 2  # adapter files contain 16-bit numbers
GIB: Final = 1 << 30
HERE: Final = "this machine"


def _dims(hidden: int, inner: int, layers: int, heads: int, kv_heads: int, vocabulary: int, *, tied: bool) -> Dims:
    return Dims(
        architecture="Qwen2ForCausalLM",
        params=0,
        hidden_size=hidden,
        intermediate_size=inner,
        num_layers=layers,
        num_heads=heads,
        num_kv_heads=kv_heads,
        head_dim=hidden // heads,
        vocab_size=vocabulary,
        max_position_embeddings=32_768,
        tie_embeddings=tied,
    ).with_counted_params()


# Source: config.json of the Qwen2.5 family, as a ladder of typical shapes.
SIZES: Final[dict[str, Dims]] = {
    "1.5B": _dims(1_536, 8_960, 28, 12, 2, 151_936, tied=True),
    "3B": _dims(2_048, 11_008, 36, 16, 2, 151_936, tied=True),
    "7B": _dims(3_584, 18_944, 28, 28, 4, 152_064, tied=False),
    "14B": _dims(5_120, 13_824, 48, 40, 8, 152_064, tied=False),
    "32B": _dims(5_120, 27_648, 64, 40, 8, 152_064, tied=False),
    "72B": _dims(8_192, 29_568, 80, 64, 8, 152_064, tied=False),
}


@dataclass(frozen=True, slots=True)
class GpuModel:
    """A GPU. `tflops` is the manufacturer's dense 16-bit figure, in 10^12 operations per second."""

    name: str
    memory_bytes: int
    tflops: float


# Source: the manufacturers' data sheets (dense, 16 bit, no sparsity).
GPUS: Final[dict[str, GpuModel]] = {
    gpu.name: gpu
    for gpu in (
        GpuModel("T4, 16 GB", 16 * GIB, 65),
        GpuModel("L4, 24 GB", 24 * GIB, 121),
        GpuModel("RTX 4090, 24 GB", 24 * GIB, 165),
        GpuModel("L40S, 48 GB", 48 * GIB, 362),
        GpuModel("A100, 80 GB", 80 * GIB, 312),
        GpuModel("H100, 80 GB", 80 * GIB, 989),
        GpuModel("H200, 141 GB", 141 * GIB, 989),
    )
}
# The share of that figure that training reaches. Source: 402 of 989 is the best published LoRA rate on one H100; plain
# setups reach less than half of it.
_USE_LOW, _USE_HIGH = 0.15, 0.40


@dataclass(frozen=True, slots=True)
class _Run:
    per_device_batch_size: int
    max_seq_length: int
    gradient_accumulation_steps: int = 1
    gradient_checkpointing: str = "auto"


@dataclass(frozen=True, slots=True)
class MethodRow:
    """One method on one model and device."""

    about: type[Method]
    trained: int  # trained parameters
    share: float  # of the model's parameters
    file_bytes: int  # size of the resulting file
    memory: MemoryForecast


@dataclass(frozen=True, slots=True)
class RunCost:
    """Hours and cost of a run, as a range: 15 to 40 % of the data sheet's speed."""

    low_hours: float
    high_hours: float
    low_cost: float
    high_cost: float
    currency: str

    @property
    def text(self) -> str:
        """The cost with its currency: `0.21 to 0.33 EUR`."""
        return f"{self.low_cost:.2f} to {self.high_cost:.2f} {self.currency}"


def currency() -> str:
    """The currency of prices per hour (`SFT_CURRENCY`)."""
    return get_settings().currency


def method_of(method_id: str, *, rank: int = 16) -> Method:
    """The method with its default settings; `rank` is set if it has one."""
    ranked = "rank" in METHODS.get(method_id).model_fields
    return build(method_id, {"rank": rank, "alpha": 2 * rank} if ranked else {})


def device(name: str) -> Device:
    """A listed GPU with all of its memory free, or this machine as it is now."""
    if name == HERE:
        return detect()
    gpu = GPUS[name]
    return Device("cuda", gpu.name, gpu.memory_bytes, gpu.memory_bytes)


def compare_methods(size: str, device_name: str, *, rank: int = 16) -> list[MethodRow]:
    """Every method on one size of model, with the studio's forecast for each."""
    dims, where, run = SIZES[size], device(device_name), _Run(2, 2048)
    return [_row(about, dims, where, run, rank) for about in METHODS]


def _row(about: type[Method], dims: Dims, where: Device, run: _Run, rank: int) -> MethodRow:
    method = method_of(about.id, rank=rank)
    trained = method.trainable_params(dims)
    return MethodRow(
        about=about,
        trained=trained,
        share=trained / dims.params,
        file_bytes=method.saved_params(dims) * BYTES_PER_TRAINED,
        memory=forecast_memory(dims, method, run, where),
    )


def fits(device_name: str) -> dict[str, dict[str, MemoryForecast]]:
    """For each size of model, the forecast of full fine-tuning, LoRA and QLoRA on a device, by the method's title."""
    where, run = device(device_name), _Run(2, 2048)
    return {
        size: {
            METHODS.get(method_id).title: forecast_memory(dims, method_of(method_id), run, where)
            for method_id in ("full", "lora", "qlora")
        }
        for size, dims in SIZES.items()
    }


def lora_sizes(size: str, ranks: tuple[int, ...] = (4, 8, 16, 32, 64, 128)) -> list[tuple[int, int, float]]:
    """(rank, trained parameters, share of the model) for LoRA on all linear layers."""
    dims = SIZES[size]
    counts = [(rank, method_of("lora", rank=rank).trainable_params(dims)) for rank in ranks]
    return [(rank, count, count / dims.params) for rank, count in counts]


def run_cost(size: str, gpu_name: str, method_id: str, *, tokens: int, price_per_hour: float = 0.0) -> RunCost:
    """Hours and cost for this many training tokens (all epochs together).

    4 operations per parameter and token if the base is frozen, 6 if it is trained. Source: Kaplan et al. 2020
    (forward 2N, backward 4N; a frozen base needs no weight gradients, which saves 2N).
    """
    operations = (6 if METHODS.get(method_id).peft_type is None else 4) * SIZES[size].params * tokens
    peak = GPUS[gpu_name].tflops * 1e12
    low, high = operations / (peak * _USE_HIGH) / 3600, operations / (peak * _USE_LOW) / 3600
    return RunCost(low, high, low * price_per_hour, high * price_per_hour, currency())


@dataclass(frozen=True, slots=True)
class Saving:
    """One way to need less memory, and the resulting forecast."""

    title: str
    memory: MemoryForecast


def savings(size: str, device_name: str) -> list[Saving]:
    """LoRA that ran out of memory, and what each remedy saves, on one device."""
    dims, where = SIZES[size], device(device_name)
    smaller = list(SIZES)[max(0, list(SIZES).index(size) - 1)]

    def forecast(shape: Dims, method_id: str, batch: int, length: int, **settings: Any) -> MemoryForecast:
        return forecast_memory(shape, method_of(method_id, **settings), _Run(batch, length), where)

    ways = [
        Saving("LoRA, batch 4, length 4,096", forecast(dims, "lora", 4, 4096)),
        Saving("batch 1", forecast(dims, "lora", 1, 4096)),
        Saving("length 1,024", forecast(dims, "lora", 4, 1024)),
        Saving("rank 8 instead of 16", forecast(dims, "lora", 4, 4096, rank=8)),
        Saving("QLoRA", forecast(dims, "qlora", 4, 4096)),
        Saving("batch 1, length 1,024 and QLoRA", forecast(dims, "qlora", 1, 1024)),
    ]
    if smaller != size:
        ways.append(Saving(f"the next smaller model, {smaller}", forecast(SIZES[smaller], "lora", 4, 4096)))
    return ways
