from __future__ import annotations

import pytest

from core.models.methods import METHODS
from core.services.learn.explain import compare


@pytest.mark.parametrize("size", compare.SIZES)
def test_the_sizes_have_the_parameters_of_their_names(size: str) -> None:
    assert compare.SIZES[size].params / 1e9 == pytest.approx(float(size[:-1]), rel=0.12)


def test_every_method_is_forecast_and_only_full_trains_everything() -> None:
    rows = {row.about.id: row for row in compare.compare_methods("7B", "A100, 80 GB")}
    assert list(rows) == list(METHODS.ids())
    assert rows["full"].share == 1
    assert max(row.share for method, row in rows.items() if method != "full") < 0.05


def test_quantization_saves_memory_and_full_fine_tuning_costs_it() -> None:
    peak = {row.about.id: row.memory.expected for row in compare.compare_methods("7B", "A100, 80 GB")}
    assert peak["qlora"] < peak["lora"] < peak["full"]
    assert peak["lora"] < peak["prefix_tuning"]  # a prefix recomputes no activations


def test_parameters_grow_in_proportion_to_the_rank() -> None:
    sizes = {rank: count for rank, count, _ in compare.lora_sizes("7B")}
    assert sizes[32] == 2 * sizes[16]
    assert sizes[16] == 40_370_176  # PEFT's own count for r=16 on all linear layers of this shape


def test_larger_models_need_more() -> None:
    for method in ("Full Fine-Tuning", "LoRA", "QLoRA"):
        peaks = [by_method[method].expected for by_method in compare.fits("H100, 80 GB").values()]
        assert peaks == sorted(peaks)


def test_full_fine_tuning_takes_one_and_a_half_times_as_long() -> None:
    lora = compare.run_cost("7B", "H100, 80 GB", "lora", tokens=1_000_000, price_per_hour=2)
    full = compare.run_cost("7B", "H100, 80 GB", "full", tokens=1_000_000)
    assert full.low_hours == pytest.approx(1.5 * lora.low_hours)
    assert lora.low_cost == pytest.approx(2 * lora.low_hours)
    assert full.high_cost == 0


@pytest.mark.parametrize("size", list(compare.SIZES))
def test_every_remedy_for_memory_helps(size: str) -> None:
    first, *others = compare.savings(size, "RTX 4090, 24 GB")
    assert all(saving.memory.expected < first.memory.expected for saving in others)


def test_this_machine_is_a_device_too() -> None:
    assert compare.device(compare.HERE).total_bytes > 0
