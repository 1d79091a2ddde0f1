"""How a method reaches PEFT: by its PEFT type, and by its own module if PEFT has none."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import pytest

from core.models.methods import METHODS, build
from tests.core.models.test_one_file_one_line import Scales
from tests.support.registry import registered
from worker.training import tuners
from worker.training.model_files import load_model


def test_a_new_method_of_a_type_that_peft_ships_needs_nothing_in_the_worker(tiny_base: Path, tmp_path: Path) -> None:
    with registered(METHODS, Scales):
        model = load_model(tiny_base)
        tuned = tuners.attach(model, build("scales"))
        trained = tuners.trainable(tuned)
        assert {name.rpartition(".")[0].rpartition(".")[2] for name in trained} == {"ia3_l"}
        tuned.save_pretrained(tmp_path)
        assert tuners.kind_of(tmp_path) == "IA3"
        assert not tuners.trainable(tuners.load(load_model(tiny_base), tmp_path))


def test_the_module_that_a_method_names_is_registered_first(tiny_base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class WithTuner(Scales):
        id: ClassVar[str] = "with_tuner"
        tuner: ClassVar[str] = "a_new_tuner"

    calls: list[str] = []
    module = ModuleType("a_new_tuner")
    module.register = lambda: calls.append("registered")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "a_new_tuner", module)
    with registered(METHODS, WithTuner):
        tuners.attach(load_model(tiny_base), build("lora"))
        assert calls == []
        tuners.attach(load_model(tiny_base), build("with_tuner"))
    assert calls == ["registered"]
