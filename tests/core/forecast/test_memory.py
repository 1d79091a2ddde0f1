from __future__ import annotations

from dataclasses import dataclass

import pytest

from core.base_models.records import Dims
from core.forecast.device import Device, detect
from core.forecast.disk import forecast_disk
from core.forecast.memory import MARGIN, activation_bytes, forecast_memory
from core.methods import build

GB = 2**30
LLAMA_8B = Dims("LlamaForCausalLM", 8_030_261_248, 4096, 14336, 32, 32, 8, 128, 128_256, 131_072, False)
SMALL = Dims("LlamaForCausalLM", 2_600_000, 256, 512, 4, 4, 2, 64, 1024, 2048)


@dataclass
class Run:
    per_device_batch_size: int = 2
    max_seq_length: int = 2048


def gpu(free: float) -> Device:
    return Device("cuda", "GPU", 80 * GB, round(free * GB))


def test_lora_on_8b_lies_in_the_published_range() -> None:
    """16-bit LoRA on a 7-8B model takes 16-22 GB where logits are fused; they are not here."""
    found = forecast_memory(LLAMA_8B, build("lora"), Run(1, 1024), gpu(80))
    assert 15 * GB < found.expected < 22 * GB


def test_full_fine_tuning_of_8b_takes_all_of_a_large_gpu() -> None:
    found = forecast_memory(LLAMA_8B, build("full"), Run(1, 1024), gpu(79))
    assert found.expected > 60 * GB
    assert found.verdict == "too_large"


def test_verdict_is_held_against_free_memory_with_a_margin() -> None:
    plenty = forecast_memory(SMALL, build("lora"), Run(), gpu(79))
    assert plenty.verdict == "fits"
    assert plenty.low < plenty.expected < plenty.high
    tight = Device("cpu", "CPU", 80 * GB, round(plenty.high * MARGIN) - 1)
    found = forecast_memory(SMALL, build("lora"), Run(), gpu(tight.free_bytes / GB))
    assert found.verdict == "tight"
    assert "GB" in found.text or "MB" in found.text
    assert forecast_memory(SMALL, build("lora"), Run(), gpu(0.1)).verdict == "too_large"


def test_a_measured_peak_narrows_the_range() -> None:
    found = forecast_memory(SMALL, build("lora"), Run(), gpu(79), peak_bytes=GB)
    assert found.measured
    assert found.low < GB < found.high < 1.2 * GB


def test_activations_grow_with_tokens_and_full_training() -> None:
    assert activation_bytes(SMALL, 2048, 4, False) > activation_bytes(SMALL, 1024, 4, False)
    assert activation_bytes(SMALL, 1024, 4, True) > activation_bytes(SMALL, 1024, 4, False)


def test_short_examples_need_less_than_the_maximum_length() -> None:
    whole = forecast_memory(SMALL, build("lora"), Run(), gpu(79))
    short = forecast_memory(SMALL, build("lora"), Run(), gpu(79), longest_tokens=64)
    assert dict(short.parts)["activations"] < dict(whole.parts)["activations"]


def test_disk_counts_what_is_trained() -> None:
    lora, full = (forecast_disk(SMALL, build(method), 4) for method in ("lora", "full"))
    assert full.model_bytes == SMALL.params * 4
    assert lora.checkpoint_bytes > lora.model_bytes
    assert lora.peak_bytes < full.peak_bytes


def test_the_device_is_found_without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFT_DEVICE", "cpu")
    device = detect()
    assert device.kind == "cpu"
    assert 0 < device.free_bytes <= device.total_bytes
