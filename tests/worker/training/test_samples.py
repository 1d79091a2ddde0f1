"""Sample answers: fixed prompts, answered at every evaluation, without an effect on the run."""

from __future__ import annotations

from difflib import SequenceMatcher
from pathlib import Path

import pytest

from core.messages import Example, Message
from core.models.methods import build
from tests.support import tiny
from worker.training.checkpoints import file_hashes
from worker.training.engines import Watching
from worker.training.model_files import load_tokenizer
from worker.training.run import TrainResult, train
from worker.training.samples import Sample, choose

pytestmark = pytest.mark.usefixtures("every_evaluation_is_answered")

DROPOUT = build("lora", {"rank": 8, "alpha": 16, "dropout": 0.1})  # draws at random in every step


class Run:
    """One training run that records the answers of each step."""

    def __init__(self, base: Path, output: Path, *, samples: int = 2, signal_at: int = 0, **changes: object) -> None:
        self.base, self.output, self.samples, self.signal_at = base, output, samples, signal_at
        self.changes = changes
        self.answers: dict[int, list[Sample]] = {}
        self.tokens: list[int] = []
        self.asked = 0

    def go(self, validation: int = 0) -> TrainResult:
        numbers = tiny.training(examples=10 - validation, sample_answers=self.samples, **self.changes)
        watching = Watching(on_samples=self.answers.__setitem__ if self.samples else None, signal=self._signal)
        watching.on_point = lambda point: self.tokens.append(point.tokens)
        return train(self.base, tiny.examples(validation), DROPOUT, numbers, self.output, watching=watching)

    def _signal(self) -> str:
        self.asked += 1
        return "pause" if self.asked == self.signal_at else ""


def test_samples_do_not_change_the_weights(tiny_base: Path, tmp_path: Path) -> None:
    with_samples, without = Run(tiny_base, tmp_path / "with"), Run(tiny_base, tmp_path / "without", samples=0)
    one, other = with_samples.go(), without.go()
    assert one.model_dir
    assert other.model_dir
    assert file_hashes(one.model_dir) == file_hashes(other.model_dir)
    assert with_samples.tokens == without.tokens
    assert list(with_samples.answers) == [0, 4, 8, 12]  # before, at every evaluation, at the end
    assert not without.answers


def test_slow_answers_are_computed_only_at_the_start_and_the_end(
    tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.training import cadence

    monkeypatch.setitem(cadence.SHARES, "samples", 0.0)
    run = Run(tiny_base, tmp_path, samples=1)
    run.go()
    assert list(run.answers) == [0, 12]


def test_samples_show_the_model_learning(tiny_base: Path, tmp_path: Path) -> None:
    run = Run(
        tiny_base, tmp_path, samples=3, num_epochs=60, learning_rate=2e-2, eval_every_steps=90, save_every_steps=90
    )
    run.go()
    before, after = run.answers[0], run.answers[180]
    assert [sample.prompt for sample in before] == [sample.prompt for sample in after]
    assert closeness(after) > closeness(before) + 0.25


def closeness(samples: list[Sample]) -> float:
    """The mean similarity of answers and expected answers, 0 to 1."""
    return sum(SequenceMatcher(None, s.answer, s.prompt.expected).ratio() for s in samples) / len(samples)


def test_a_run_paused_at_an_evaluation_answers_when_it_resumes(tiny_base: Path, tmp_path: Path) -> None:
    whole = Run(tiny_base, tmp_path / "whole")
    whole.go()
    paused = Run(tiny_base, tmp_path / "parts", signal_at=4)
    assert paused.go().step == 4
    assert list(paused.answers) == [0]
    resumed = Run(tiny_base, tmp_path / "parts")
    assert resumed.go().resumed_from == 4
    assert list(resumed.answers) == [4, 8, 12]
    assert resumed.answers == {step: whole.answers[step] for step in (4, 8, 12)}


def test_answers_interrupted_by_a_shutdown_are_not_stored(tiny_base: Path, tmp_path: Path) -> None:
    run = Run(tiny_base, tmp_path)
    numbers = tiny.training(sample_answers=2)
    asked: list[int] = []

    def alive() -> str:
        asked.append(1)
        return "shutdown"

    watching = Watching(on_samples=run.answers.__setitem__, sign_of_life=alive, signal=lambda: "shutdown")
    assert train(tiny_base, tiny.examples(), DROPOUT, numbers, tmp_path, watching=watching).status == "released"
    assert len(asked) == 1  # the first token was the last
    assert run.answers == {}


@pytest.mark.parametrize(
    ("validation", "splits"), [(3, ["validation", "validation", "train"]), (0, ["train", "train", "train"])]
)
def test_one_prompt_is_trained_on_and_the_others_are_held_out_where_there_are_such(
    tiny_base: Path, validation: int, splits: list[str]
) -> None:
    numbers = tiny.training(sample_answers=3, sample_prompts=["  Who rings the bell? ", " "])
    prompts = choose(tiny.examples(validation), numbers, load_tokenizer(tiny_base))
    assert [prompt.split for prompt in prompts] == ["typed", *splits]
    assert prompts[0].messages == (Message("user", "Who rings the bell?"),)
    assert prompts[0].expected == ""
    assert len({prompt.messages for prompt in prompts}) == 4


def test_a_prompt_without_room_for_an_answer_is_skipped(tiny_base: Path) -> None:
    numbers = tiny.training(sample_answers=3, max_seq_length=64)
    long = Example((Message("user", "word " * 300), Message("assistant", "Yes.")), split="validation")
    short = Example((Message("user", "Who feeds the goose?"), Message("assistant", "Nobody.")), split="validation")
    prompts = choose([long, short], numbers, load_tokenizer(tiny_base))
    assert [prompt.expected for prompt in prompts] == ["Nobody."]


def test_prompts_carry_the_tools_of_their_example_and_never_come_from_the_test_split(tiny_base: Path) -> None:
    numbers = tiny.training(sample_answers=3)
    tool = {"type": "function", "function": {"name": "look_up", "parameters": {}}}
    pair = (Message("user", "Who feeds the goose?"), Message("assistant", "Nobody."))
    tested = [Example((Message("user", f"Secret {n}?"), pair[1]), split="test") for n in range(5)]
    prompts = choose([*tested, Example(pair, tools=(tool,))], numbers, load_tokenizer(tiny_base))
    assert [(prompt.split, prompt.tools) for prompt in prompts] == [("train", (tool,))]
