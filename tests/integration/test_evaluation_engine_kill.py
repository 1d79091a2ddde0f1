"""An evaluation by the studio's own engine: the worker is killed again and again, and no question is generated twice.

The inference process outlives the worker and counts what it begins (`generations`, `measured` on its health page).
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.messages import Example, Message
from core.platform.tasks import store as task_store
from core.services.data import datasets
from core.services.serving import evaluating
from core.services.serving.evaluating import EvaluationRecord, EvaluationSettings
from core.serving.evaluations import store
from tests.support.jobs import launch, make_dataset, succeed
from tests.support.random_model import make_adapter, make_model
from tests.support.servers import free_port, wait_until
from tests.support.studio import LIMIT_S, Studio, horse_of, is_gone, wait_state
from tests.worker.inference.conftest import inference_process

TOKENS = 40


@dataclass(frozen=True)
class Engine:
    """The inference process, and a model that it serves."""

    url: str
    base: str

    def figures(self) -> dict[str, Any]:
        return dict(httpx.get(f"{self.url}/health", trust_env=False).json())


@pytest.fixture
def engine(studio_env: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    path = make_model(studio_env / "base_models" / "random", reads=4_096)  # what a judge is asked is long
    port = free_port()
    monkeypatch.setenv("SFT_INFERENCE_PORT", str(port))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with inference_process(port) as url:
        yield Engine(url, f"local:{path}")


def questions(count: int) -> str:
    """A dataset whose test split has so many questions of different lengths."""
    asked = [
        Example((Message("user", f"Say {at} {'very ' * (at % 7)}often"), Message("assistant", f"It is {at}.")))
        for at in range(count)
    ]
    return datasets.create_dataset("Questions", asked[:1], test=asked).version.id


def kill_at(started: EvaluationRecord, stored: int) -> bool:
    """Kill the process that works on it once so many answers are stored; False where it ended before."""

    def is_there() -> bool:
        task = task_store.get(started.task_id)
        return task.is_terminal or (len(store.answered(started.id)) >= stored and task.lease_owner is not None)

    wait_until(is_there, LIMIT_S, f"{stored} answers")
    if task_store.get(started.task_id).is_terminal:
        return False
    horse = horse_of(started.task_id)
    os.kill(horse, signal.SIGKILL)
    wait_until(lambda: is_gone(horse), LIMIT_S, "the end of the killed process")
    return True


def test_a_killed_evaluation_generates_every_answer_once(studio: Studio, engine: Engine) -> None:
    count = 400
    version = questions(count)
    studio.worker("gpu")
    settings = EvaluationSettings(max_tokens=TOKENS)
    started = evaluating.start([engine.base], version, metrics=["exact_match", "perplexity"], settings=settings)
    kills = sum(kill_at(started, stored) for stored in (1, count // 4, count // 2))
    wait_state(started.task_id, "succeeded")
    assert kills >= 2
    figures = engine.figures()
    assert figures["generations"] == figures["answered"] == count
    assert figures["measured"] == count
    assert figures["joined"] > 0, "no kill interrupted an answer"
    answers = store.answers(started.id)
    assert [one.position for one in answers] == list(range(1, count + 1))
    assert all(one.error == "" and one.logprob is not None for one in answers)
    done = evaluating.get(started.id)
    assert done.summary is not None
    assert done.summary.models[0].answered == count


@pytest.mark.slow
def test_nothing_is_generated_twice_in_a_series_of_kills(studio: Studio, engine: Engine, tmp_path: Path) -> None:
    """Two models, one of them twice, sampled; and a judge, whose questions exist only once both have answered."""
    count = 150
    path = Path(engine.base.removeprefix("local:"))
    tuned = succeed(launch(make_dataset(), engine.base, name="Tuned"), make_adapter(path, tmp_path / "a", seed=1)).id
    version = questions(count)
    studio.worker("gpu")
    settings = EvaluationSettings(
        max_tokens=TOKENS, temperature=1.0, against=engine.base, repeats=2, judge={"model": engine.base}
    )
    started = evaluating.start([tuned], version, metrics=["exact_match", "perplexity"], settings=settings)
    expected = 3 * count + 2 * count
    kills = sum(kill_at(started, stored) for stored in range(20, expected, expected // 12))
    wait_state(started.task_id, "succeeded")
    assert kills >= 6
    figures = engine.figures()
    assert figures["generations"] == figures["answered"] == expected
    assert figures["measured"] == 2 * count
    assert len(store.answered(started.id)) == expected
