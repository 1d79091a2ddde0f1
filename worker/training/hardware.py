"""Readings of the GPU during a run: peak, model FLOPs utilization, load, temperature, power.

Without a GPU or the NVIDIA library, or with an unknown device, the value is None.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final

import torch

from worker.training import quantization

# Dense 16-bit tensor peak in TFLOP/s (without sparsity), by a part of the name that CUDA gives; the first match wins.
# Source: NVIDIA's data sheets as usually quoted, in November 2026; MFU is only as accurate as they are.
_PEAK_TFLOPS: Final = (
    ("B200", 2250.0), ("GH200", 989.0), ("H200", 989.0), ("H100 NVL", 835.0), ("H100 PCIe", 756.0), ("H100", 989.0),
    ("A100", 312.0), ("A40", 149.7), ("A10G", 70.0), ("A10", 125.0), ("L40S", 362.0), ("L40", 181.0), ("L4", 121.0),
    ("RTX 6000 Ada", 364.2), ("RTX A6000", 154.8), ("RTX 4090", 165.2), ("RTX 3090", 71.0), ("T4", 65.0),
    ("V100", 125.0),
)  # fmt: skip
FRESH_S: Final = 1.0  # at most one reading per second; it takes about a millisecond


@dataclass(frozen=True, slots=True)
class GpuReading:
    """One reading of the GPU. Utilization in percent of the last sample period, temperature in °C, power in watts."""

    utilization: float | None = None
    temperature_c: float | None = None
    power_w: float | None = None


def peak_flops(name: str) -> float | None:
    """Dense 16-bit FLOP/s of a device by its name; None for one that is not in the table."""
    return next((tera * 1e12 for part, tera in _PEAK_TFLOPS if part in name), None)


def flop_per_token(model: Any) -> float:
    """Floating-point operations of one trained token: 6 per weight, or 4 where most weights are frozen.

    Source: Kaplan et al. 2020, section 2.1 (2 forward, 4 backward); a frozen weight needs no gradient, which is half of
    the backward pass.
    """
    total = quantization.params(model)
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    return (6.0 if trainable * 2 > total else 4.0) * total


class Gpu:
    """The GPU of a run; on a CPU every value is None."""

    def __init__(self, device: torch.device, model: Any) -> None:
        self.device = device
        self.is_cuda = device.type == "cuda"
        self._handle = _handle(device) if self.is_cuda else None
        self._flop = flop_per_token(model) if self.is_cuda else 0.0
        self._peak = peak_flops(torch.cuda.get_device_name(device)) if self.is_cuda else None
        self._reading, self._read_at = GpuReading(), -FRESH_S

    def reserved_bytes(self) -> int | None:
        """GPU memory reserved by torch, used or not."""
        return int(torch.cuda.memory_reserved(self.device)) if self.is_cuda else None

    def mfu(self, tokens_per_s: float | None) -> float | None:
        """Model FLOPs utilization, 0..1: the share of the device's peak used by the model's arithmetic."""
        if self._peak is None or not tokens_per_s:
            return None
        return tokens_per_s * self._flop / self._peak

    def read(self) -> GpuReading:
        """The last reading, repeated once it is older than a second."""
        if self._handle is None:
            return self._reading
        now = time.monotonic()
        if now - self._read_at >= FRESH_S:
            self._reading, self._read_at = _ask(self._handle), now
        return self._reading


def _handle(device: torch.device) -> Any | None:
    """NVML's handle for a CUDA device, by its UUID: CUDA numbers devices differently (CUDA_VISIBLE_DEVICES)."""
    try:
        import pynvml

        pynvml.nvmlInit()
        uuid = torch.cuda.get_device_properties(device).uuid
        return pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}")
    except Exception:  # no library, no driver, a slice of a GPU: the run continues without readings
        return None


def _ask(handle: Any) -> GpuReading:
    import pynvml

    def one(question: Any, *more: Any) -> Any | None:
        try:
            return question(handle, *more)
        except pynvml.NVMLError:  # this GPU does not report it
            return None

    load = one(pynvml.nvmlDeviceGetUtilizationRates)
    heat = one(pynvml.nvmlDeviceGetTemperature, pynvml.NVML_TEMPERATURE_GPU)
    power = one(pynvml.nvmlDeviceGetPowerUsage)
    return GpuReading(
        utilization=None if load is None else float(load.gpu),
        temperature_c=None if heat is None else float(heat),
        power_w=None if power is None else power / 1000,
    )
