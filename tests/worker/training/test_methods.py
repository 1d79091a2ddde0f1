"""The contract of every method, tested by training a tiny model with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

from core.errors import TrainingError
from core.messages import Message
from core.models.base_models.local_folder import inspect
from core.models.methods import METHODS, build
from core.models.methods.base import Method
from tests.support import tiny
from tests.worker.training.test_run import Run, logits
from worker.training import merge, quantization, tuners
from worker.training.checkpoints import file_hashes
from worker.training.generate import answer
from worker.training.model_files import load_model, load_tokenizer, load_tuned
from worker.training.run import TrainResult

CASES: dict[str, Method] = {
    **{method_id: build(method_id) for method_id in METHODS.ids()},
    "lora, DoRA": build("lora", {"rank": 4, "dora": True}),
    "lora, rsLoRA on listed layers": build(
        "lora", {"rslora": True, "target_modules": "listed", "module_names": ["v_proj", "up_proj"]}
    ),
    "qlora, 8 bits": build("qlora", {"bits": 8}),
    "prefix_tuning, projected": build("prefix_tuning", {"projection": True, "projection_hidden_size": 32}),
    "bottleneck_adapter, Pfeiffer": build(
        "bottleneck_adapter", {"placement": "pfeiffer", "size_by": "width", "width": 16, "non_linearity": "silu"}
    ),
}
RATES = {"full": 5e-3, "prefix_tuning": 3e-2}
QUESTION = (Message("user", "Who keeps the keys?"),)


@dataclass
class Trained:
    """A finished run: its numbers, the model in memory, and all weights before the first step and after the last (a
    quantized model repacks its weights when it answers)."""

    method: Method
    run: Run
    result: TrainResult
    live: Any
    learns: set[str]
    before: dict[str, torch.Tensor]
    after: dict[str, torch.Tensor]

    @property
    def directory(self) -> Path:
        assert self.result.model_dir is not None
        return self.result.model_dir


@pytest.fixture(scope="module", params=CASES, ids=str)
def trained(request: pytest.FixtureRequest, tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    method = CASES[request.param]
    seen: list[Trained] = []

    def watched(model: Any, chosen: Method) -> Any:
        live = attach(model, chosen)
        learns = {name for name, p in live.named_parameters() if p.requires_grad}
        seen.append(Trained(chosen, run, None, live, learns, _copies(live), {}))  # type: ignore[arg-type]
        return live

    attach = tuners.attach
    run = Run(tiny_base, tmp_path_factory.mktemp("run"), num_epochs=12, learning_rate=RATES.get(method.id, 1e-2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tuners, "attach", watched)
        result = run.go(method)
    (found,) = seen
    found.result, found.after = result, _copies(found.live)
    return found


def _copies(model: Any) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in model.named_parameters()}


def test_the_loss_falls(trained: Trained) -> None:
    losses = list(trained.run.losses().values())
    assert sum(losses[-3:]) < 0.85 * sum(losses[:3])


def test_frozen_weights_do_not_change(trained: Trained) -> None:
    moved = {name for name, before in trained.before.items() if not torch.equal(trained.after[name], before)}
    assert moved <= trained.learns
    assert len(moved) > 0.8 * len(trained.learns)
    assert (trained.learns == trained.before.keys()) == (trained.method.peft_type is None)


def test_trained_parameters_are_counted_exactly(trained: Trained, tiny_base: Path) -> None:
    dims = inspect(tiny_base).dims
    assert trained.result.trainable_params == trained.method.trainable_params(dims)
    saved = 0
    for file in trained.directory.glob("*.safetensors"):
        with safe_open(file, "pt") as tensors:  # type: ignore[no-untyped-call]
            saved += sum(tensors.get_tensor(name).numel() for name in tensors.keys())  # noqa: SIM118  no dictionary
    assert saved == trained.method.saved_params(dims)
    learning = trained.result.trainable_params if trained.method.peft_type else 0
    assert quantization.params(trained.live) - learning == dims.params


def test_files_are_safetensors_and_text(trained: Trained) -> None:
    suffixes = {path.suffix for path in trained.run.output.rglob("*") if path.is_file()}
    assert suffixes <= {".safetensors", ".json", ".jinja", ".parquet"}  # nothing that is opened by unpickling
    assert any(trained.directory.glob("*.safetensors"))


def test_the_saved_files_reload_to_equal_logits(trained: Trained, tiny_base: Path) -> None:
    live = logits(trained.live, tiny_base)
    if trained.method.peft_type is None:
        again, allowed = load_tuned(tiny_base, trained.directory), 0.0
    else:
        again = tuners.load(load_model(tiny_base, trained.method.load_arguments()), trained.directory)
        allowed = 0.05 if trained.method.load_arguments() else 1e-5
    assert float((logits(again, tiny_base) - live).abs().max()) <= allowed
    assert not torch.allclose(live, logits(load_model(tiny_base), tiny_base), atol=0.1)


def test_answers_in_a_batch_equal_those_alone(trained: Trained, tiny_base: Path) -> None:
    model, tokenizer = load_tuned(tiny_base, trained.directory).eval(), load_tokenizer(tiny_base)
    questions = [QUESTION, (Message("user", "Hi"),), (Message("user", tiny.PAIRS[0][0]),)]
    together = answer(model, tokenizer, questions, max_new_tokens=12)
    alone = [answer(model, tokenizer, [question], max_new_tokens=12)[0] for question in questions]
    assert together == alone
    assert any(together)


def test_a_merged_model_returns_what_its_adapter_returns(trained: Trained, tiny_base: Path, tmp_path: Path) -> None:
    if trained.method.peft_type is None:
        return
    if not trained.method.mergeable:
        with pytest.raises(TrainingError, match="cannot be merged"):
            merge.merge(tiny_base, trained.directory, tmp_path / "merged")
        return
    difference = merge.merge(tiny_base, trained.directory, tmp_path / "merged").written
    merged = load_model(tmp_path / "merged")
    beside = logits(load_tuned(tiny_base, trained.directory), tiny_base)
    assert float((logits(merged, tiny_base) - beside).abs().max()) <= (0.05 if trained.method.id == "qlora" else 1e-4)
    assert difference < 1e-3
    assert inspect(tmp_path / "merged").dims == inspect(tiny_base).dims
    assert not quantization.is_quantized(merged)


@pytest.mark.parametrize(  # LoRA and full: tests/worker/training/test_run.py too
    "method_id",
    [pytest.param(one, marks=pytest.mark.slow if one in ("lora", "qlora", "full") else ()) for one in METHODS.ids()],
)
def test_a_resumed_run_ends_like_an_uninterrupted_one(method_id: str, tiny_base: Path, tmp_path: Path) -> None:
    method = CASES[method_id]
    whole = Run(tiny_base, tmp_path / "whole", num_epochs=2)
    finished = whole.go(method)
    parts = Run(tiny_base, tmp_path / "parts", num_epochs=2, signal_at={2: "pause"})
    assert parts.go(method).status == "paused"
    parts.signal_at = {}
    resumed = parts.go(method)
    assert parts.losses() == whole.losses()
    assert resumed.model_dir is not None
    assert finished.model_dir is not None
    assert file_hashes(resumed.model_dir) == file_hashes(finished.model_dir)


@pytest.mark.parametrize("method", ["lora", "qlora", "bottleneck_adapter"])
def test_an_untrained_adapter_changes_nothing(method: str, tiny_base: Path) -> None:
    arguments = build(method).load_arguments()
    fresh = tuners.attach(load_model(tiny_base, arguments), build(method))
    assert torch.equal(logits(fresh, tiny_base), logits(load_model(tiny_base, arguments), tiny_base))


def test_a_prefix_reaches_every_example_of_a_batch(tiny_base: Path) -> None:
    from worker.training.data import collate, prepare

    method = build("prefix_tuning", {"virtual_tokens": 5})
    assert not method.packs
    torch.manual_seed(3)
    model = tuners.attach(load_model(tiny_base), method).eval()
    items = prepare(tiny.examples(), load_tokenizer(tiny_base), max_seq_length=128).train
    batch = collate(items, pack=method.packs)
    del batch["real_tokens"], batch["members"]
    with torch.no_grad():
        together = model(**batch, use_cache=False)
        alone = [model(input_ids=torch.tensor([item.input_ids]), use_cache=False).logits[0] for item in items]
    for row, (item, logits_alone) in enumerate(zip(items, alone, strict=True)):
        assert float((together.logits[row, : len(item.input_ids)] - logits_alone).abs().max()) < 1e-4
    targets = [torch.tensor(item.labels[1:]) for item in items]
    loss = torch.nn.functional.cross_entropy(torch.cat([part[:-1] for part in alone]), torch.cat(targets))
    assert abs(float(together.loss - loss)) < 1e-4
