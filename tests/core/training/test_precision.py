"""The rule that chooses a run's precision, without torch."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.models.methods import METHODS, build
from core.training import precision
from core.training.precision import PrecisionChoice, PrecisionGain


@pytest.fixture(autouse=True)
def _studio(studio_env: Path) -> None:
    """Measurements are stored in a new data directory."""


def has(monkeypatch: pytest.MonkeyPatch, *flags: str) -> None:
    monkeypatch.setattr(precision, "processor", lambda: ("A processor", frozenset(flags)))


def test_each_method_has_one_kind_of_work() -> None:
    kinds = {method: precision.work_of(build(method)) for method in METHODS.ids()}
    assert kinds["full"] == "trained"
    assert kinds["qlora"] == "quantized"
    assert {kind for method, kind in kinds.items() if method not in ("full", "qlora")} == {"frozen"}


def test_a_gpu_computes_in_bf16_and_a_plain_cpu_in_fp32(monkeypatch: pytest.MonkeyPatch) -> None:
    has(monkeypatch, "avx2")
    assert precision.choose("auto", "cuda", "r", "frozen").precision == "bf16"
    assert precision.choose("auto", "cpu", "r", "frozen").precision == "fp32"
    assert precision.choose("fp32", "cpu", "r", "frozen") == PrecisionChoice("fp32", "fp32", "chosen by you")


@pytest.mark.parametrize("flag", precision.FLAGS)
def test_a_processor_with_bf16_waits_for_a_measurement(flag: str, monkeypatch: pytest.MonkeyPatch) -> None:
    has(monkeypatch, flag)
    assert not precision.choose("auto", "cpu", "r", "frozen").settled
    precision.keep("r", "frozen", PrecisionGain(1.63, "steps"))
    found = precision.choose("auto", "cpu", "r", "frozen")
    assert (found.precision, found.settled) == ("bf16", True)
    assert found.reason == "bf16 is 1.63 times as fast as fp32 on this machine, measured by steps of this base model"
    assert not precision.choose("auto", "cpu", "r", "trained").settled  # another kind of work
    has(monkeypatch, flag, "avx2")
    assert precision.recall("r", "frozen") is not None
    monkeypatch.setattr(precision, "processor", lambda: ("Another processor", frozenset({flag})))
    assert precision.recall("r", "frozen") is None


def test_a_gain_within_the_noise_is_fp32(monkeypatch: pytest.MonkeyPatch) -> None:
    has(monkeypatch, "amx_bf16")
    precision.keep("r", "frozen", PrecisionGain(1.05, "steps"))
    assert precision.choose("auto", "cpu", "r", "frozen").precision == "fp32"


def test_bf16_by_choice_warns_where_it_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    has(monkeypatch, "avx2")
    assert "no bf16 instructions" in precision.choose("bf16", "cpu", "r", "frozen").warning
    precision.keep("", "product", PrecisionGain(0.02, "product"))
    assert "50 times as long as fp32" in precision.choose("bf16", "cpu", "r", "frozen").warning
    assert not precision.choose("bf16", "cuda", "r", "frozen").warning
    has(monkeypatch, "amx_bf16")
    assert not precision.choose("bf16", "cpu", "r", "frozen").warning


def test_a_damaged_file_is_measured_again(studio_env: Path) -> None:
    precision.keep("r", "frozen", PrecisionGain(2.0, "steps"))
    (file,) = (studio_env / "cache" / "precision").iterdir()
    file.write_text("{")
    assert precision.recall("r", "frozen") is None
