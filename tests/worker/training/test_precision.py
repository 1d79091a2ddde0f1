"""bf16 on a CPU: what is bf16 and what is not, the losses beside fp32's, and how *auto* decides."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

from core.models.methods import build
from core.models.methods.base import Method
from core.training import precision as rule
from core.training.precision import PrecisionChoice, PrecisionGain
from tests.support import tiny
from tests.worker.training.test_run import LORA, Run, logits
from worker.training import fused, merge, precision, tuners
from worker.training.checkpoints import file_hashes, newest
from worker.training.model_files import load_model, load_tuned

CPU_BF16 = torch.bfloat16
CASES: dict[str, Method] = {
    "lora": LORA,
    "lora with dropout and DoRA": build("lora", {"rank": 4, "dropout": 0.1, "dora": True}),
    "qlora": build("qlora", {"rank": 4}),
    "prefix_tuning": build("prefix_tuning", {"virtual_tokens": 4}),
    "bottleneck_adapter": build("bottleneck_adapter"),
    "full": build("full"),
}
RATES = {"full": 1e-3, "prefix_tuning": 1e-2}


@pytest.fixture
def bf16_processor(studio_env: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor that reports bf16 instructions, and a studio that stores what is measured on it."""
    monkeypatch.setattr(rule, "processor", lambda: ("A processor", frozenset({"avx512_bf16"})))


def no_trial() -> precision.Trial:
    raise AssertionError("no steps are needed")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in ("lora", "full") else pytest.mark.slow) for name in CASES]
)
def test_the_validation_loss_is_within_one_percent_of_fp32(name: str, tiny_base: Path, tmp_path: Path) -> None:
    method, losses = CASES[name], {}
    for asked in ("fp32", "bf16"):
        rate = RATES.get(method.id, 3e-3)
        run = Run(tiny_base, tmp_path / asked, num_epochs=2, learning_rate=rate, precision=asked)
        result = run.go(method, validation=3)
        assert result.precision.precision == asked
        losses[asked] = result.validation_loss
    assert losses["bf16"] == pytest.approx(losses["fp32"], rel=0.01)
    assert losses["bf16"] != losses["fp32"]  # it was computed differently
    for file in (tmp_path / "bf16" / "model").glob("*.safetensors"):
        with safe_open(file, "pt") as tensors:  # type: ignore[no-untyped-call]
            assert {tensors.get_tensor(key).dtype for key in tensors.keys()} == {torch.float32}  # noqa: SIM118
    if method.mergeable:
        assert merge.merge(tiny_base, tmp_path / "bf16" / "model", tmp_path / "merged").written < 1e-3


@pytest.mark.parametrize("name", ["lora", "bottleneck_adapter", "full"])
def test_a_frozen_base_is_bf16_and_everything_trained_is_fp32(name: str, tiny_base: Path, tmp_path: Path) -> None:
    method = CASES[name]
    dtype = precision.dtype_of("bf16", rule.work_of(method))
    model = tuners.attach(load_model(tiny_base, dtype=dtype), method)
    frozen = {part.dtype for part in model.parameters() if not part.requires_grad}
    assert {part.dtype for part in model.parameters() if part.requires_grad} == {torch.float32}
    assert frozen == (set() if name == "full" else {CPU_BF16})


def test_a_resumed_run_keeps_its_precision(tiny_base: Path, tmp_path: Path) -> None:
    whole = Run(tiny_base, tmp_path / "whole", num_epochs=2, precision="bf16")
    whole.go()
    parts = Run(tiny_base, tmp_path / "parts", num_epochs=2, precision="bf16", signal_at={2: "pause"})
    parts.go()
    parts.signal_at, parts.changes["precision"] = {}, "auto"  # would be fp32 here
    resumed = parts.go()
    assert resumed.precision == PrecisionChoice("bf16", "auto", precision.RESUMED)
    assert parts.losses() == whole.losses()
    assert file_hashes(tmp_path / "parts" / "model") == file_hashes(tmp_path / "whole" / "model")
    checkpoint = newest(tmp_path / "parts" / "checkpoints")
    assert checkpoint is not None
    (checkpoint / "totals.json").write_text("{}")  # as an earlier release wrote it
    assert precision.begun_with(checkpoint).precision == "fp32"


def test_fused_layers_in_bf16_return_what_the_plain_ones_do(tiny_base: Path) -> None:
    torch.manual_seed(1)
    model = tuners.attach(load_model(tiny_base, dtype=CPU_BF16), LORA)
    for name, part in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(part, std=0.05)
    exact = tuners.attach(load_model(tiny_base), LORA)
    exact.load_state_dict({name: part.float() for name, part in model.state_dict().items()})
    ids = torch.arange(48).view(2, 24) * 7 % 600  # one row's rounding differs by more than a tenth from draw to draw

    def run(tuned: Any) -> torch.Tensor:
        out = tuned(input_ids=ids, labels=ids, use_cache=False)
        out.loss.backward()
        slopes = [part.grad.flatten().float() for part in tuned.parameters() if part.grad is not None]
        tuned.zero_grad(set_to_none=True)
        return torch.cat([out.logits.detach().flatten().float(), *slopes])

    with fused.norms(model) as norms, fused.rotations(model) as rotations, fused.adapters(model) as adapters:
        assert (norms, rotations, adapters) == (5, 1, 14)
        ours = run(model)
    plain, right = run(model), run(exact)
    assert (ours - right).norm() < 1.1 * (plain - right).norm() < 0.05 * right.norm()


def test_a_processor_without_the_instructions_computes_in_fp32(studio_env: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(rule, "processor", lambda: ("A processor", frozenset({"avx2"})))
    found = precision.settle("auto", "r1", "frozen", no_trial)
    assert (found.precision, found.settled) == ("fp32", True)
    assert "avx512_bf16" in found.reason
    assert not list(studio_env.rglob("precision/*"))


def test_bf16_where_it_is_slow_is_a_warning_with_the_measured_factor(studio_env: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(rule, "processor", lambda: ("A processor", frozenset({"avx2"})))
    monkeypatch.setattr(precision, "_product_s", lambda dtype: 48.0 if dtype == CPU_BF16 else 1.0)
    found = precision.settle("bf16", "r1", "frozen", no_trial)
    assert found.precision == "bf16"
    assert found.warning.startswith("bf16 takes 48 times as long as fp32 on this machine")


@pytest.mark.usefixtures("bf16_processor")
def test_a_slow_product_decides_without_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "_product_s", lambda dtype: 2.0 if dtype == CPU_BF16 else 1.0)
    found = precision.settle("auto", "r1", "frozen", no_trial)
    assert found == PrecisionChoice(
        "fp32", "auto", "bf16 takes 2 times as long as fp32 on this machine, measured by a matrix product"
    )


@pytest.mark.usefixtures("bf16_processor")
def test_steps_of_the_base_decide_once_and_are_stored(tiny_base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from worker.training.data import prepare
    from worker.training.engines import trl
    from worker.training.model_files import load_tokenizer

    data = prepare(tiny.examples(), load_tokenizer(tiny_base), max_seq_length=128)
    loaded: list[str] = []

    def load(name: str) -> Any:
        loaded.append(name)
        return trl.load(tiny_base, LORA, tiny.training(precision=name))

    rule.keep("", "product", PrecisionGain(3.0, "product"))
    trial = precision.Trial(10**6, load, precision.training_step(data, 10**6, "frozen"))
    found = precision.settle("auto", "r1", "frozen", lambda: trial)
    assert loaded == ["bf16", "fp32"]
    assert "steps of this base model" in found.reason
    assert precision.settle("auto", "r1", "frozen", no_trial) == found
    assert rule.recall("r2", "frozen") is None  # another revision is measured again


@pytest.mark.usefixtures("bf16_processor")
def test_a_served_base_follows_the_same_rule(tiny_base: Path, tmp_path: Path) -> None:
    from core.models import base_models
    from worker.inference.served_models import Served
    from worker.inference.weights import Loader

    run = Run(tiny_base, tmp_path / "run", num_epochs=2)
    run.go()
    base = base_models.resolve(f"local:{tiny_base}")
    rule.keep(base.revision, "served", PrecisionGain(1.6, "steps"))
    adapter = tmp_path / "run" / "model"
    served, name = Loader().get(Served("m_1", "Tuned", base, adapter, True, 0.0), set())
    assert served.model.dtype == CPU_BF16
    exact = load_tuned(tiny_base, adapter)
    assert name is not None
    tuned = served.adapters.use(name)
    saved = {key: part for key, part in tuned.named_parameters() if "lora_" in key}
    assert {part.dtype for part in saved.values()} == {torch.float32}
    difference = logits(tuned, tiny_base).float() - logits(exact, tiny_base)
    assert difference.abs().max() < 0.15 * logits(exact, tiny_base).std()


@pytest.mark.usefixtures("bf16_processor")
def test_answers_are_measured_for_a_served_base(tiny_base: Path) -> None:
    rule.keep("", "product", PrecisionGain(3.0, "product"))
    from worker.inference.weights import _trial

    trial = _trial(tiny_base)
    small = precision.settle("auto", "r1", "served", lambda: trial)
    assert (small.precision, rule.recall("r1", "served")) == ("fp32", None), "what is this small is not measured"
    found = precision.settle("auto", "r1", "served", lambda: replace(trial, params=precision.LEAST_PARAMS))
    assert rule.recall("r1", "served") is not None
    assert found.precision in rule.WIDTHS
