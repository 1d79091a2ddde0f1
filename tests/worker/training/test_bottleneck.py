"""Adapter layers through PEFT's own functions: several tasks on one base, saved, switched and deleted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

from core.errors import TrainingError
from core.models.methods import build
from tests.worker.training.test_run import logits
from worker.training import tuners
from worker.training.model_files import load_model
from worker.training.tuners import bottleneck


def made(base: Path, directory: Path, seed: int, **settings: object) -> Path:
    """An adapter with an effect, without training."""
    torch.manual_seed(seed)
    tuned = tuners.attach(load_model(base), build("bottleneck_adapter", settings))
    for name, weight in tuned.named_parameters():
        if "bottleneck_up" in name:
            torch.nn.init.normal_(weight, std=0.2)
    tuned.save_pretrained(directory)
    return directory


@pytest.fixture
def two(tiny_base: Path, tmp_path: Path) -> tuple[Path, Path]:
    first = made(tiny_base, tmp_path / "first", 1)
    return first, made(tiny_base, tmp_path / "second", 2, placement="pfeiffer", size_by="width", width=5)


def test_registering_twice_changes_nothing() -> None:
    bottleneck.register()
    before = dict(PEFT_TYPE_TO_CONFIG_MAPPING)
    bottleneck.register()
    assert before == PEFT_TYPE_TO_CONFIG_MAPPING


def test_several_tasks_on_one_base_are_switched_and_deleted(tiny_base: Path, two: tuple[Path, Path]) -> None:
    first, second = (logits(tuners.load(load_model(tiny_base), path), tiny_base) for path in two)
    plain = logits(load_model(tiny_base), tiny_base)
    assert not torch.allclose(first, second, atol=0.01)
    both: Any = PeftModel.from_pretrained(load_model(tiny_base), two[0], adapter_name="first")
    both.load_adapter(two[1], adapter_name="second")
    for name, expected in (("second", second), ("first", first), ("second", second)):
        both.set_adapter(name)
        assert torch.equal(logits(both, tiny_base), expected), name
    with both.disable_adapter():
        assert torch.equal(logits(both, tiny_base), plain)
    both.delete_adapter("second")
    both.set_adapter("first")
    assert torch.equal(logits(both, tiny_base), first)
    assert not any("second" in name for name, _ in both.named_parameters())


def test_adapters_active_together_are_applied_in_order(tiny_base: Path, two: tuple[Path, Path]) -> None:
    both: Any = PeftModel.from_pretrained(load_model(tiny_base), two[0], adapter_name="first")
    both.load_adapter(two[1], adapter_name="second")
    single = logits(both, tiny_base)
    both.base_model.set_adapter(["first", "second"])
    assert not torch.allclose(logits(both, tiny_base), single, atol=0.01)


def test_the_width_follows_the_placement_and_the_size(tiny_base: Path, two: tuple[Path, Path]) -> None:
    shapes = {
        name.replace("base_model.model.model.layers.0.", ""): tuple(weight.shape)
        for name, weight in tuners.load(load_model(tiny_base), two[1]).named_parameters()
        if "bottleneck" in name and ".0." in name
    }
    assert shapes == {
        "mlp.down_proj.bottleneck_down.default.weight": (5, 64),
        "mlp.down_proj.bottleneck_down.default.bias": (5,),
        "mlp.down_proj.bottleneck_up.default.weight": (64, 5),
        "mlp.down_proj.bottleneck_up.default.bias": (64,),
    }


def test_an_adapter_of_another_base_is_refused(two: tuple[Path, Path], tmp_path: Path) -> None:
    from tests.support.random_model import make_model

    with pytest.raises(TrainingError, match="does not fit its base model"):
        tuners.load(load_model(make_model(tmp_path / "other")), two[0])
