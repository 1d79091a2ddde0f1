"""An evaluation through the studio's engine: answers as chats give them, and the perplexity of expected outputs."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from core.messages import Example, Message
from core.platform.tasks import store as task_store
from core.services.data import datasets
from core.services.serving import evaluating
from core.services.serving.evaluating import EvaluationSettings, verdicts
from core.serving.evaluations import store
from tests.support.jobs import launch, make_dataset, succeed
from tests.support.random_model import make_adapter, make_model
from tests.support.servers import free_port
from worker.run import execute

COUNT = 40  # more than advance together


def test_models_of_the_studio_answer_and_are_judged(
    studio_env: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SFT_INFERENCE_PORT", str(free_port()))  # the evaluation starts the process itself
    path = make_model(tmp_path / "base")
    base = f"local:{path}"
    tuned = succeed(launch(make_dataset(), base, name="Tuned"), make_adapter(path, tmp_path / "adapter", seed=1)).id
    asked = [Example((Message("user", f"Say {at}"), Message("assistant", f"It is {at}."))) for at in range(COUNT)]
    version = datasets.create_dataset("Questions", asked[:1], test=asked).version.id
    settings = EvaluationSettings(against=base, max_tokens=4, repeats=2)
    started = evaluating.start([tuned], version, metrics=["exact_match", "perplexity", "latency"], settings=settings)
    ended = execute(started.task_id, "test:1")
    assert ended is not None
    assert ended.state == "succeeded", ended.error
    assert ended.result["answers"] == 3 * COUNT  # the model that it is compared with answers twice
    done = evaluating.get(started.id)
    assert done.summary is not None
    summary = done.summary.of(base)
    assert summary is not None
    assert (summary.answered, summary.failed, summary.noise) == (COUNT, 0, 0)  # greedy: every run is the same
    first, second = (store.answers(done.id, model_id=base, repeat=repeat) for repeat in (0, 1))
    assert [one.answer for one in first] == [one.answer for one in second]
    assert all(1 <= one.tokens <= 4 and one.seconds > 0 for one in first)
    assert [one.model_id for one in evaluating.leaderboard(done.dataset_id)] != []
    (verdict,) = verdicts.of_evaluation(done.id)
    assert (verdict.candidate_id, verdict.decision) == (tuned, "no_difference")
    _same_perplexity(path, asked[7], first[7].logprob, first[7].expected_tokens)
    again = execute(started.task_id, "test:2")  # a second message for the same task does nothing
    assert again is None
    assert task_store.get(started.task_id).state == "succeeded"


def _same_perplexity(path: Path, example: Example, logprob: float | None, tokens: int) -> None:
    """The log-probability of the output, by transformers alone."""
    import torch

    from core.models.base_models.light_tokenizer import load_tokenizer
    from core.models.render import labels_of, render
    from worker.training.model_files import load_model

    rendered = render(example.messages, load_tokenizer(path))
    labels = labels_of(rendered.input_ids, rendered.loss, completion_only=True)
    with torch.inference_mode():
        out = load_model(path).eval()(
            input_ids=torch.tensor([rendered.input_ids]), labels=torch.tensor([labels]), use_cache=False
        )
    assert tokens == sum(label != -100 for label in labels)
    assert logprob is not None
    assert math.exp(-logprob / tokens) == pytest.approx(math.exp(float(out.loss)), rel=0.02)
