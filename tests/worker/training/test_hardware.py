"""Readings of the device: the arithmetic is exact, and what is missing is None, not an error."""

from __future__ import annotations

import pytest
import torch

from worker.training.hardware import Gpu, GpuReading, flop_per_token, peak_flops


@pytest.mark.parametrize(
    ("name", "tera"),
    [
        ("NVIDIA H100 80GB HBM3", 989),
        ("NVIDIA H100 PCIe", 756),
        ("NVIDIA A100-SXM4-80GB", 312),
        ("NVIDIA L40S", 362),
        ("NVIDIA L4", 121),
        ("Tesla T4", 65),
    ],
)
def test_the_peak_is_found_by_the_name_of_the_gpu(name: str, tera: float) -> None:
    assert peak_flops(name) == tera * 1e12


def test_an_unknown_gpu_has_no_peak() -> None:
    assert peak_flops("Some Card 9000") is None


def test_a_trained_weight_costs_six_operations_per_token_and_a_frozen_one_four() -> None:
    model = torch.nn.Linear(100, 10, bias=False)
    assert flop_per_token(model) == 6 * 1000
    model.weight.requires_grad_(False)
    model.register_parameter("adapter", torch.nn.Parameter(torch.zeros(10)))
    assert flop_per_token(model) == 4 * 1010


def test_a_cpu_has_no_gpu_readings() -> None:
    gpu = Gpu(torch.device("cpu"), torch.nn.Linear(2, 2))
    assert (gpu.reserved_bytes(), gpu.mfu(1000.0), gpu.read()) == (None, None, GpuReading())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA GPU")
def test_a_gpu_reports_its_load_temperature_and_power() -> None:
    device = torch.device("cuda", torch.cuda.current_device())
    reading = Gpu(device, torch.nn.Linear(2, 2, device=device)).read()
    assert 0 <= (reading.utilization or 0) <= 100
    assert reading.temperature_c is None or 0 < reading.temperature_c < 120
