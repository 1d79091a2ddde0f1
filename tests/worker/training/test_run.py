"""Real training on a tiny model: what is learned, what is frozen, and what a resumed run returns."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from core.errors import Diverged, OutOfMemory, TrainingError
from core.models.methods import build
from core.models.methods.base import Method
from core.training.metrics import Point
from tests.support import tiny
from worker.training.checkpoints import file_hashes, newest, step_of
from worker.training.engines import Watching
from worker.training.model_files import load_model, load_tokenizer, load_tuned
from worker.training.run import TrainResult, train

LORA = build("lora", {"rank": 8, "alpha": 16})
FULL = build("full")


class Run:
    """One call of `train` on the tiny lesson, with what it reported."""

    def __init__(self, base: Path, output: Path, *, signal_at: dict[int, str] | None = None, **changes: object) -> None:
        self.base, self.output, self.signal_at = base, output, signal_at or {}
        self.changes = changes
        self.points: list[Point] = []
        self.checkpoints: list[int] = []

    def go(self, method: Method = LORA, validation: int = 0) -> TrainResult:
        watching = Watching(
            signal=self._signal,
            on_point=self.points.append,
            on_checkpoint=lambda step, directory: self.checkpoints.append(step),
        )
        self.steps = 0
        numbers = tiny.training(examples=len(tiny.PAIRS) - validation, **self.changes)
        return train(self.base, tiny.examples(validation), method, numbers, self.output, watching=watching)

    def _signal(self) -> str:
        self.steps += 1
        return self.signal_at.get(self.steps, "")

    def losses(self, split: str = "train") -> dict[int, float]:
        return {point.step: point.loss for point in self.points if point.split == split}


def weights(directory: Path) -> dict[str, torch.Tensor]:
    return dict(load_model(directory).state_dict())


def logits(model: torch.nn.Module, base: Path) -> torch.Tensor:
    tokenizer = load_tokenizer(base)
    ids = torch.tensor([tokenizer("Who keeps the keys?", add_special_tokens=False)["input_ids"]])
    with torch.no_grad():
        return torch.as_tensor(model.eval()(input_ids=ids).logits)


@pytest.mark.parametrize("method", [LORA, FULL], ids=["lora", "full"])
def test_the_loss_falls_and_the_saved_model_answers_like_the_trained_one(
    tiny_base: Path, tmp_path: Path, method: Method
) -> None:
    before = file_hashes(tiny_base)
    run = Run(tiny_base, tmp_path, num_epochs=50, learning_rate=2e-2 if method is LORA else 5e-3, save_every_steps=50)
    result = run.go(method, validation=2)
    losses = list(run.losses().values())
    assert result.status == "finished"
    assert losses[-1] < losses[0] / 3
    assert len(run.losses("validation")) >= 3
    assert result.tokens == run.points[-1].tokens > 0
    for point in run.points:
        assert point.split == "validation" or {"memory_bytes", "tokens_per_s", "grad_norm"} <= set(point.values)
        assert point.value("token_accuracy") is not None
        assert (point.value("memory_reserved_bytes") is None) == (result.device == "cpu")
    accuracy = [point.value("token_accuracy") for point in run.points if point.split == "train"]
    assert max(accuracy[-3:]) > 0.8 > accuracy[0]
    assert result.model_dir is not None
    tuned = load_tuned(tiny_base, result.model_dir)
    again = load_tuned(tiny_base, result.model_dir)
    assert torch.equal(logits(tuned, tiny_base), logits(again, tiny_base))
    assert not torch.allclose(logits(tuned, tiny_base), logits(load_model(tiny_base), tiny_base))
    assert file_hashes(tiny_base) == before
    assert not list(result.model_dir.rglob("*.bin"))


def test_lora_does_not_change_the_base(tiny_base: Path, tmp_path: Path) -> None:
    result = Run(tiny_base, tmp_path).go(LORA)
    assert result.model_dir is not None
    tuned = dict(load_tuned(tiny_base, result.model_dir).get_base_model().state_dict())
    for name, value in weights(tiny_base).items():
        inside = name.removesuffix(".weight") + ".base_layer.weight"
        assert torch.equal(tuned.get(inside, tuned.get(name)), value), name


def test_the_adapter_in_memory_and_on_disk_give_equal_logits(tiny_base: Path, tmp_path: Path) -> None:
    from worker.training import resume_state, tuners

    result = Run(tiny_base, tmp_path).go(LORA)
    checkpoint = newest(tmp_path / "checkpoints")
    assert checkpoint is not None
    assert result.model_dir is not None
    live = tuners.attach(load_model(tiny_base), LORA)
    resume_state.load_weights(live, checkpoint)
    assert torch.equal(logits(live, tiny_base), logits(load_tuned(tiny_base, result.model_dir), tiny_base))


@pytest.mark.parametrize("method", [LORA, FULL], ids=["lora", "full"])
@pytest.mark.parametrize(
    "pause_at",
    [2, pytest.param(3, marks=pytest.mark.slow), pytest.param(5, marks=pytest.mark.slow)],
    ids=["inside an epoch", "at an epoch's end", "after a checkpoint"],
)
def test_a_resumed_run_repeats_the_steps_of_an_uninterrupted_one(
    tiny_base: Path, tmp_path: Path, method: Method, pause_at: int
) -> None:
    whole = Run(tiny_base, tmp_path / "whole")
    finished = whole.go(method, validation=2)
    parts = Run(tiny_base, tmp_path / "parts", signal_at={pause_at: "pause"})
    assert parts.go(method, validation=2).status == "paused"
    parts.signal_at = {}
    resumed = parts.go(method, validation=2)
    assert resumed.resumed_from == pause_at
    assert parts.losses() == whole.losses()
    validated = whole.losses("validation")
    assert {step: parts.losses("validation")[step] for step in validated} == validated
    assert (resumed.loss, resumed.tokens, resumed.step) == (finished.loss, finished.tokens, finished.step)
    assert finished.model_dir
    assert resumed.model_dir
    assert file_hashes(resumed.model_dir) == file_hashes(finished.model_dir)


@pytest.mark.parametrize("method", [LORA, pytest.param(FULL, marks=pytest.mark.slow)], ids=["lora", "full"])
def test_accumulated_batches_resume_exactly(tiny_base: Path, tmp_path: Path, method: Method) -> None:
    """Three steps per epoch, the last with fewer batches; interrupted in the second epoch, with validation."""
    numbers = {"per_device_batch_size": 2, "gradient_accumulation_steps": 2, "eval_every_steps": 2}
    whole = Run(tiny_base, tmp_path / "whole", **numbers)
    finished = whole.go(method, validation=1)
    parts = Run(tiny_base, tmp_path / "parts", signal_at={5: "shutdown"}, **numbers)
    assert parts.go(method, validation=1).status == "released"
    parts.signal_at = {}
    resumed = parts.go(method, validation=1)
    assert parts.losses() == whole.losses()
    assert parts.losses("validation") == whole.losses("validation")
    assert resumed.model_dir
    assert finished.model_dir
    assert file_hashes(resumed.model_dir) == file_hashes(finished.model_dir)


def test_a_corrupt_checkpoint_is_skipped_for_the_one_before(tiny_base: Path, tmp_path: Path) -> None:
    whole = Run(tiny_base, tmp_path / "whole", save_every_steps=2)
    whole.go()
    parts = Run(tiny_base, tmp_path / "parts", save_every_steps=2, signal_at={5: "pause"})
    parts.go()
    latest = newest(tmp_path / "parts" / "checkpoints")
    assert latest is not None
    assert step_of(latest) == 5
    damaged = latest / "trainable.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-8] + b"damaged!")
    parts.signal_at = {}
    assert parts.go().resumed_from == 4
    assert parts.losses() == whole.losses()


def test_a_run_killed_after_its_last_step_only_creates_the_model(tiny_base: Path, tmp_path: Path) -> None:
    first = Run(tiny_base, tmp_path).go()
    again = Run(tiny_base, tmp_path)
    result = again.go()
    assert again.losses() == {}
    assert (result.status, result.loss, result.tokens) == ("finished", first.loss, first.tokens)
    assert first.model_dir is not None
    assert result.model_dir is not None
    assert file_hashes(result.model_dir) == file_hashes(first.model_dir)


def test_stop_creates_the_model_of_that_step(tiny_base: Path, tmp_path: Path) -> None:
    result = Run(tiny_base, tmp_path, signal_at={3: "stop"}).go()
    assert (result.status, result.step) == ("stopped", 3)
    assert result.model_dir is not None
    assert (result.model_dir / "adapter_model.safetensors").is_file()


def test_cancel_saves_and_creates_no_model(tiny_base: Path, tmp_path: Path) -> None:
    run = Run(tiny_base, tmp_path, signal_at={3: "cancel"})
    result = run.go()
    assert (result.status, result.model_dir) == ("cancelled", None)
    assert run.checkpoints == [3]


def test_a_pause_at_the_last_step_finishes(tiny_base: Path, tmp_path: Path) -> None:
    assert Run(tiny_base, tmp_path, signal_at={tiny.training().total_steps: "pause"}).go().status == "finished"


def test_a_diverged_run_is_an_error_and_has_its_last_good_checkpoint(tiny_base: Path, tmp_path: Path) -> None:
    run = Run(tiny_base, tmp_path, learning_rate=0.1, max_grad_norm=100.0, save_every_steps=1)
    run.changes["learning_rate"] = 1e30
    with pytest.raises(Diverged) as caught:
        run.go()
    assert "learning rate" in caught.value.remedy
    kept = newest(tmp_path / "checkpoints")
    assert kept is None or step_of(kept) < 12


def test_out_of_memory_names_three_settings_to_change(tiny_base: Path, tmp_path: Path) -> None:
    def exhaust(point: Point) -> None:
        torch.empty(1 << 55)  # torch's own error

    with pytest.raises(OutOfMemory) as caught:
        train(tiny_base, tiny.examples(), LORA, tiny.training(), tmp_path, watching=Watching(on_point=exhaust))
    for words in ("batch size to 2 (now 4)", "maximum length to 64 (now 128)", "rank to 4 (now 8)"):
        assert words in caught.value.remedy


def test_the_same_seed_gives_the_same_weights_and_another_one_does_not(tiny_base: Path, tmp_path: Path) -> None:
    runs = [Run(tiny_base, tmp_path / str(n), num_epochs=1, seed=seed) for n, seed in enumerate((1, 1, 2))]
    directories = [run.go().model_dir for run in runs]
    assert runs[0].losses() == runs[1].losses() != runs[2].losses()
    one, same, other = (file_hashes(directory)["adapter_model.safetensors"] for directory in directories if directory)
    assert one == same != other


def test_a_large_vocabulary_trains_with_a_chunked_loss(
    tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Run(tiny_base, tmp_path / "whole")
    whole.go(validation=2)
    monkeypatch.setattr("worker.training.batches.CHUNKED_FROM_VOCAB", 1)
    pieces = Run(tiny_base, tmp_path / "pieces")
    pieces.go(validation=2)
    assert pieces.losses() == pytest.approx(whole.losses(), rel=1e-3)
    assert pieces.losses("validation") == pytest.approx(whole.losses("validation"), rel=1e-3)


# ---- stopping and keeping


def test_the_model_has_the_lowest_validation_loss(tiny_base: Path, tmp_path: Path) -> None:
    from worker.training import checkpoints, resume_state, tuners

    run = Run(tiny_base, tmp_path, num_epochs=12, keep_best=True, eval_every_steps=2, save_every_steps=6)
    result = run.go(LORA, validation=2)
    validated = run.losses("validation")
    best = min(validated, key=lambda step: validated[step])
    assert best < result.step, "the lesson is memorized, so the last step is not the best"
    assert (result.kept_step, result.validation_loss, result.loss) == (best, validated[best], run.losses()[best])
    assert result.last_validation_loss == validated[result.step]
    kept = checkpoints.of_step(tmp_path / "checkpoints", best)
    assert kept is not None, "it outlived the ones that were written after it"
    assert result.model_dir is not None
    live = tuners.attach(load_model(tiny_base), LORA)
    resume_state.load_weights(live, kept)
    assert torch.equal(logits(live, tiny_base), logits(load_tuned(tiny_base, result.model_dir), tiny_base))


def test_early_stopping_ends_the_run_without_improvement(tiny_base: Path, tmp_path: Path) -> None:
    numbers = {"early_stopping_patience": 2, "early_stopping_min_improvement": 5.0, "eval_every_steps": 2}
    run = Run(tiny_base, tmp_path, num_epochs=12, **numbers)
    result = run.go(LORA, validation=2)
    assert (result.status, result.step) == ("early_stopped", 6), "one measurement to compare with, two without a gain"
    assert result.model_dir is not None
    again = Run(tiny_base, tmp_path, num_epochs=12, **numbers)  # it died before its model was registered
    repeated = again.go(LORA, validation=2)
    assert (repeated.status, repeated.step, again.losses()) == ("early_stopped", 6, {})
    assert repeated.model_dir is not None
    assert repeated.loss == result.loss


@pytest.mark.parametrize(
    "pause_at",
    [pytest.param(7, marks=pytest.mark.slow), 8, pytest.param(14, marks=pytest.mark.slow)],
    ids=["between", "where it validates", "after the best"],
)
def test_early_stopping_and_the_best_checkpoint_survive_a_resume(
    tiny_base: Path, tmp_path: Path, pause_at: int
) -> None:
    numbers = {"keep_best": True, "early_stopping_patience": 3, "eval_every_steps": 2, "save_every_steps": 5}
    whole = Run(tiny_base, tmp_path / "whole", num_epochs=12, **numbers)
    finished = whole.go(LORA, validation=2)
    assert finished.status == "early_stopped"
    parts = Run(tiny_base, tmp_path / "parts", num_epochs=12, signal_at={pause_at: "shutdown"}, **numbers)
    assert parts.go(LORA, validation=2).status == "released"
    parts.signal_at = {}
    resumed = parts.go(LORA, validation=2)
    assert (resumed.status, resumed.step, resumed.kept_step) == (finished.status, finished.step, finished.kept_step)
    assert parts.losses() == whole.losses()
    assert parts.losses("validation") == whole.losses("validation")
    assert resumed.model_dir
    assert finished.model_dir
    assert file_hashes(resumed.model_dir) == file_hashes(finished.model_dir)


# ---- a shutdown that comes between two steps


class Interrupting(Run):
    """Signals a shutdown during long work: in a validation, or while a checkpoint is written."""

    def __init__(self, base: Path, output: Path, *, at: int, where: str, **changes: object) -> None:
        super().__init__(base, output, **changes)
        self.at, self.where, self.asked = at, where, False

    def go(self, method: Method = LORA, validation: int = 0) -> TrainResult:
        numbers = tiny.training(examples=len(tiny.PAIRS) - validation, **self.changes)
        watching = Watching(
            on_point=self.points.append, sign_of_life=self._life, on_saving=self._saving,
            on_checkpoint=lambda step, directory: self.checkpoints.append(step),
        )  # fmt: skip
        return train(self.base, tiny.examples(validation), method, numbers, self.output, watching=watching)

    def _life(self) -> str:
        validating = self.where == "validating" and self.points[-1].step == self.at
        return "shutdown" if self.asked or validating else ""

    def _saving(self) -> None:
        self.asked = self.asked or (self.where == "saving" and self.points[-1].step == self.at)


@pytest.mark.parametrize("where", ["validating", "saving"])
@pytest.mark.parametrize("at", [4, pytest.param(8, marks=pytest.mark.slow)], ids=["inside", "at the last step"])
def test_a_shutdown_during_long_work_saves_everything(tiny_base: Path, tmp_path: Path, where: str, at: int) -> None:
    whole = Run(tiny_base, tmp_path / "whole")
    finished = whole.go(validation=2)
    parts = Interrupting(tiny_base, tmp_path / "parts", at=at, where=where)
    first = parts.go(validation=2)
    if (where, at) == ("saving", 8):
        assert first.status == "finished", "nothing was left to do"
        return
    assert (first.status, first.step) == ("released", at)
    assert parts.checkpoints[-1] == at
    again = Run(tiny_base, tmp_path / "parts")
    resumed = again.go(validation=2)
    assert parts.losses() | again.losses() == whole.losses()
    assert parts.losses("validation") | again.losses("validation") == whole.losses("validation")
    assert resumed.model_dir
    assert finished.model_dir
    assert file_hashes(resumed.model_dir) == file_hashes(finished.model_dir)


def test_weights_missing_from_the_files_are_an_error(tiny_base: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    base = Path(shutil.copytree(tiny_base, tmp_path / "base"))
    weights = load_file(base / "model.safetensors")
    lost = next(name for name in weights if name.endswith("down_proj.weight"))
    save_file({name: weight for name, weight in weights.items() if name != lost}, base / "model.safetensors")
    with pytest.raises(TrainingError, match=f"its files have no {lost}"):
        load_model(base)


def test_weights_of_another_shape_are_named(tiny_base: Path, tmp_path: Path) -> None:
    base = Path(shutil.copytree(tiny_base, tmp_path / "base"))
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps(config | {"intermediate_size": 2 * config["intermediate_size"]}))
    with pytest.raises(TrainingError, match=r"proj\.weight is .* in its files, but .* in its config\.json"):
        load_model(base)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_base_with_nan_weights_is_refused(tiny_base: Path, tmp_path: Path, number: float) -> None:
    from safetensors.torch import load_file, save_file

    base = Path(shutil.copytree(tiny_base, tmp_path / "base"))
    weights = load_file(base / "model.safetensors")
    hurt = next(name for name in weights if name.endswith("down_proj.weight"))
    weights[hurt][3, 5] = number
    save_file(weights, base / "model.safetensors")
    with pytest.raises(TrainingError, match=f"{hurt} has values that are NaN or infinite"):
        load_model(base)
