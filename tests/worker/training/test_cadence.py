"""Validation, checkpoints and sample answers of real runs that follow the measured time."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.models.methods import build
from core.training import cadence
from core.training.metrics import Point
from tests.support import tiny
from worker.training.checkpoints import file_hashes
from worker.training.data import Tokenized
from worker.training.engines import Watching
from worker.training.run import TrainResult, train
from worker.training.validation import ValidationSet

LORA = build("lora", {"rank": 4})


class Run:
    """A run on the tiny lesson with the automatic cadence, and what it reported."""

    def __init__(self, base: Path, output: Path, *, pause_at: int = 0, **changes: object) -> None:
        self.base, self.output, self.pause_at = base, output, pause_at
        times = {"validation_follows_time": True, "checkpoints_follow_time": True}
        self.training = tiny.training(examples=8, **(times | changes))
        self.points: list[Point] = []
        self.checkpoints: list[int] = []
        self.steps = 0

    def go(self) -> TrainResult:
        watching = Watching(
            signal=self._signal,
            on_point=self.points.append,
            on_checkpoint=lambda step, directory: self.checkpoints.append(step),
        )
        return train(self.base, tiny.examples(2), LORA, self.training, self.output, watching=watching)

    def _signal(self) -> str:
        self.steps += 1
        return "pause" if self.steps == self.pause_at else ""

    @property
    def validated(self) -> list[int]:
        return [point.step for point in self.points if point.split == "validation"]


@pytest.fixture
def no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shares so small that only what is certain is done."""
    for kind in cadence.SHARES:
        monkeypatch.setitem(cadence.SHARES, kind, 1e-9)


@pytest.mark.usefixtures("no_time")
def test_without_time_only_the_last_step_is_validated_and_saved(tiny_base: Path, tmp_path: Path) -> None:
    run = Run(tiny_base, tmp_path, eval_every_steps=1, save_every_steps=1)
    result = run.go()
    assert run.validated == run.checkpoints == [8]
    assert (result.validation_examples, result.validation_of) == (2, 2)
    assert result.validation_loss is not None
    assert result.between_seconds > 0


@pytest.mark.usefixtures("no_time")
def test_a_chosen_cadence_is_obeyed_without_time_and_does_not_change_the_weights(
    tiny_base: Path, tmp_path: Path
) -> None:
    free = Run(tiny_base, tmp_path / "free").go()
    chosen = {"validation_follows_time": False, "checkpoints_follow_time": False}
    run = Run(tiny_base, tmp_path / "chosen", eval_every_steps=2, save_every_steps=4, **chosen)
    result = run.go()
    assert (run.validated, run.checkpoints) == ([2, 4, 6, 8], [4, 8])
    assert free.model_dir
    assert result.model_dir
    assert file_hashes(free.model_dir) == file_hashes(result.model_dir)


@pytest.mark.usefixtures("no_time")
def test_a_pause_saves_at_once_and_the_resumed_run_ends_equal(tiny_base: Path, tmp_path: Path) -> None:
    whole = Run(tiny_base, tmp_path / "whole").go()
    parts = Run(tiny_base, tmp_path / "parts", pause_at=3)
    assert parts.go().status == "paused"
    assert parts.checkpoints == [3]
    resumed = Run(tiny_base, tmp_path / "parts")
    result = resumed.go()
    assert (result.resumed_from, resumed.validated, resumed.checkpoints) == (3, [8], [8])
    assert result.between_seconds > 0
    assert whole.model_dir
    assert result.model_dir
    assert file_hashes(result.model_dir) == file_hashes(whole.model_dir)


def test_early_stopping_and_the_best_checkpoint_work_with_the_validations_there_are(
    tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in cadence.SHARES:
        monkeypatch.setitem(cadence.SHARES, kind, 100.0)
    monkeypatch.setattr(cadence, "TOTAL_SHARE", 1000.0)
    numbers = {"keep_best": True, "early_stopping_patience": 2, "early_stopping_min_improvement": 5.0}
    run = Run(tiny_base, tmp_path, num_epochs=12, eval_every_steps=2, **numbers)
    result = run.go()
    assert (result.status, result.step) == ("early_stopped", 6)
    assert result.kept_step in run.validated
    assert set(run.validated) <= set(run.checkpoints), "each of them was the best so far"


def test_a_validation_without_much_time_uses_the_same_part_of_the_examples_in_the_dataset_s_order() -> None:
    items = [Tokenized(list(range(10)), list(range(10)), position) for position in range(40)]
    capped = ValidationSet(items, 7, complete=False)
    capped.decide(tokens=125)
    assert (capped.used, capped.tokens, len(capped)) == (12, 120, 40)
    positions = [item.position for item in capped.chosen()]
    assert positions == sorted(positions) != list(range(12)), "drawn at random"
    again = ValidationSet(items, 7, complete=False)
    again.decide(tokens=125)
    assert again.chosen() == capped.chosen()
    again.decide(tokens=0)
    assert again.used == cadence.LEAST_EXAMPLES
    assert ValidationSet(items, 7, complete=True).used == 40
