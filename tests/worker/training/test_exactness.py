"""How much each method learns on the starter with the shipped sample and the default presets. Minutes each."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.data.samples import load_sample
from core.models import base_models
from core.models.methods import METHODS, build
from core.training.jobs.resolve import resolve
from core.training.jobs.spec import TrainingConfig
from core.training.metrics import Point
from tests.support.starter import install
from worker.training.engines import Watching
from worker.training.generate import exact_match, split_last_answer
from worker.training.model_files import load_tokenizer, load_tuned
from worker.training.run import train

# Required shares of exact answers; those of the other methods are only printed (`bench/RESULTS.md`).
EXACT = {"bottleneck_adapter": 0.9, "full": 0.9}


@pytest.mark.slow
@pytest.mark.parametrize("method_id", [method for method in METHODS.ids() if method != "lora"])  # LoRA: in the journeys
def test_how_much_of_the_sample_a_method_learns(
    method_id: str, studio_env: Path, starter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install(starter)
    base, examples = base_models.resolve("starter"), load_sample().train
    tokenizer, points = load_tokenizer(starter), list[Point]()
    numbers, _ = resolve(TrainingConfig(), base, method_id, len(examples), longest_tokens=128)
    method = build(method_id, base.preset(method_id).method)
    result = train(starter, examples, method, numbers, tmp_path, watching=Watching(on_point=points.append))
    assert result.model_dir is not None
    questions, expected = zip(*(split_last_answer(example.messages) for example in examples), strict=True)
    tuned = load_tuned(starter, result.model_dir).eval()
    found = exact_match(tuned, tokenizer, questions, expected)
    with capsys.disabled():
        print(f"\n{method_id}: {found.correct} of {len(examples)} exact, loss {result.loss:.3f}")
    assert found.share >= EXACT.get(method_id, 0.0)
    assert points[-1].loss < points[0].loss / 2
