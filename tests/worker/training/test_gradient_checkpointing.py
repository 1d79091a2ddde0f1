"""Gradient checkpointing: the same weights with fewer stored activations."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from core.errors import SettingsError
from core.models.base_models import resolve as base_of
from core.models.methods import METHODS, build
from core.models.methods.base import recomputes
from core.training.jobs.resolve import resolve
from core.training.jobs.spec import TrainingConfig
from tests.support import tiny
from worker.training import tuners
from worker.training.engines import Plan, import_engine
from worker.training.run import train

RECOMPUTING = [method.id for method in METHODS if method.recomputes]


@pytest.mark.parametrize("method", RECOMPUTING)
def test_checkpointing_does_not_change_the_weights(method: str, tiny_base: Path, tmp_path: Path) -> None:
    losses = {}
    for choice in ("off", "on"):
        numbers = tiny.training(num_epochs=2, gradient_checkpointing=choice)
        losses[choice] = train(tiny_base, tiny.examples(), build(method), numbers, tmp_path / choice).loss
    assert losses["on"] == pytest.approx(losses["off"], abs=1e-4)


@pytest.mark.parametrize(("choice", "calls"), [("off", 1), ("on", 2)])
def test_checkpointing_computes_each_layer_twice(
    choice: str, calls: int, tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers.models.llama.modeling_llama import LlamaMLP

    seen: list[bool] = []
    plain = LlamaMLP.forward

    def counted(self: LlamaMLP, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            seen.append(torch.is_grad_enabled())
        return plain(self, x)

    monkeypatch.setattr(LlamaMLP, "forward", counted)
    numbers = tiny.training(num_epochs=1, gradient_checkpointing=choice)
    train(tiny_base, tiny.examples(), build("lora"), numbers, tmp_path)
    layers, steps = 2, numbers.total_steps
    assert len(seen) == calls * layers * steps


def test_auto_depends_on_the_size_and_the_method() -> None:
    assert recomputes(500_000_000, build("lora"), "auto")
    assert not recomputes(499_999_999, build("lora"), "auto")
    assert not recomputes(7_000_000_000, build("lora"), "off")
    assert recomputes(1_000, None, "on")
    assert not recomputes(7_000_000_000, build("prefix_tuning"), "auto")


def test_checkpointing_is_refused_for_a_method_without_it() -> None:
    on = TrainingConfig(gradient_checkpointing="on")
    with pytest.raises(SettingsError, match=r"Gradient checkpointing = 'on', but prefix tuning"):
        resolve(on, base_of("starter"), "prefix_tuning", 10)
    numbers, sources = resolve(on, base_of("starter"), "lora", 10)
    assert (numbers.gradient_checkpointing, sources["gradient_checkpointing"]) == ("on", "chosen by you")


def test_a_plan_without_a_method_uses_the_setting(tiny_base: Path, tmp_path: Path) -> None:
    model = import_engine("trl").load(tiny_base, build("full"), tiny.training())
    plan = Plan(model, None, None, tiny.training(gradient_checkpointing="on"), tmp_path, None)  # type: ignore[arg-type]
    assert plan.recomputes(sum(p.numel() for p in tuners.trainable(model).values()))
