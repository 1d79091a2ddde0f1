"""The contract of engines, over every entry of the registry; and how one of them is chosen."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

from core.errors import NotFound, SettingsError
from core.models.methods import METHODS, build
from core.training import engines
from core.training.engines import AUTO, ENGINES, Engine


@pytest.fixture(params=sorted(ENGINES.ids()))
def engine(request: pytest.FixtureRequest, studio_env) -> Engine:
    return ENGINES.get(request.param)


def test_an_engine_has_texts_and_a_module(engine: Engine) -> None:
    assert all((engine.title, engine.text, engine.why, engine.remedy))
    assert importlib.util.find_spec(engine.module)
    assert engine.id != AUTO


@pytest.mark.parametrize("method_id", sorted(METHODS.ids()))
def test_an_engine_gives_a_reason_or_is_chosen(engine: Engine, method_id: str) -> None:
    method = build(method_id)
    problem = engine.supports(method) or engine.available()
    if problem:
        assert problem.endswith(".")
        with pytest.raises(SettingsError, match=engine.title) as refused:
            engines.choose(engine.id, method)
        assert refused.value.remedy
    else:
        chosen = engines.choose(engine.id, method)
        assert (chosen.engine, chosen.asked, chosen.title) == (engine.id, engine.id, engine.title)


@pytest.mark.parametrize("method_id", sorted(METHODS.ids()))
def test_auto_chooses_an_engine_that_works_and_says_why(studio_env, method_id: str) -> None:
    chosen = engines.choose(AUTO, build(method_id))
    taken = ENGINES.get(chosen.engine)
    assert taken.supports(build(method_id)) == taken.available() == ""
    assert taken.why in chosen.reason
    passed = ENGINES.ids()[: ENGINES.ids().index(chosen.engine)]
    assert all(f"{ENGINES.get(name).title} is not used:" in chosen.reason for name in passed)


def test_unknown_and_duplicate_ids(engine: Engine) -> None:
    with pytest.raises(NotFound, match="jax") as unknown:
        engines.choose("jax", build("lora"))
    assert "auto" in unknown.value.remedy
    with pytest.raises(ValueError, match="two entries"):
        ENGINES.add(engine)


def test_a_frozen_auto_choice_falls_back_and_a_named_one_does_not(studio_env, monkeypatch) -> None:
    monkeypatch.setenv("SFT_DEVICE", "cpu")
    stands_in = engines.settle("unsloth", AUTO, build("lora"))
    assert stands_in.engine == "trl"
    assert "NVIDIA GPU" in stands_in.reason
    assert "TRL is used" in stands_in.reason
    with pytest.raises(SettingsError, match="NVIDIA GPU") as refused:
        engines.settle("unsloth", "unsloth", build("lora"))
    assert "auto" in refused.value.remedy


def test_listing_the_engines_imports_none_of_them() -> None:
    modules = "core.training.engines, core.services.training.jobs"
    code = f"import {modules}, sys; print({{'torch', 'trl', 'unsloth'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
