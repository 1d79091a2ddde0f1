"""llama.cpp beside the studio's own engine: the same greedy text, chosen per model, and what happens when it ends."""

from __future__ import annotations

import os
import queue
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from core.errors import NotFound, ProviderError
from core.messages import Message
from core.platform.tasks.records import TaskRecord
from core.services.serving import publishing
from core.services.training import models
from core.serving.targets.base import AnswerChunk, ChatOptions
from core.serving.targets.studio import Studio
from tests.support import llama_cpp
from tests.support.jobs import launch, make_dataset, succeed
from tests.support.random_model import make_adapter
from worker.inference.engine import InferenceEngine
from worker.inference.prompts import prepare
from worker.inference.requests import GenerationRequest
from worker.run import execute
from worker.serving import llama_server

Chunks = Iterator[AnswerChunk]


class Inference:
    """The engine, asked as the HTTP interface asks it."""

    def __init__(self) -> None:
        self.engine = InferenceEngine()

    def chunks(self, model_id: str, text: str, engine: str | None = None, **options: object) -> Iterator[AnswerChunk]:
        answers: queue.SimpleQueue[AnswerChunk | Exception] = queue.SimpleQueue()
        self.engine.reserve()
        question = prepare(model_id, [Message("user", text)], engine=engine)
        self.engine.submit(GenerationRequest(question, ChatOptions(**options), answers.put, threading.Event()))
        while True:
            item = answers.get(timeout=180)
            if isinstance(item, Exception):
                raise item
            yield item
            if item.finish_reason:
                return

    def text(self, model_id: str, text: str, engine: str | None = None, **options: object) -> str:
        return "".join(chunk.text for chunk in self.chunks(model_id, text, engine, **options))


@pytest.fixture
def inference(monkeypatch: pytest.MonkeyPatch) -> Inference:
    found = Inference()

    def chat(
        self: Studio, model_id: str, messages: list[dict[str, str]], options: ChatOptions
    ) -> Iterator[AnswerChunk]:
        return found.chunks(model_id, messages[-1]["content"], self.engine or None, max_tokens=options.max_tokens)

    monkeypatch.setattr(Studio, "chat", chat)
    return found


@pytest.fixture
def tuned(studio_env: Path, tmp_path: Path) -> models.ModelRecord:
    base = llama_cpp.make_directory(tmp_path / "base")
    return succeed(launch(make_dataset(), f"local:{base}", name="Tuned"), make_adapter(base, tmp_path / "adapter"))


def publish(model: models.ModelRecord) -> TaskRecord:
    """Run its tasks: a model that llama.cpp cannot apply as an adapter is merged first."""
    task = publishing.begin(model.id, "llama_cpp")
    for task_id in filter(None, (task.after_task_id, task.id)):
        ended = execute(task_id, "test:1")
        assert ended is not None
        assert (ended.state, ended.error) == ("succeeded", {})
    return ended


def test_a_published_model_is_answered_by_llama_cpp(inference: Inference, tuned: models.ModelRecord) -> None:
    with pytest.raises(NotFound, match=r"not published to llama\.cpp"):
        inference.text(tuned.id, "Hi", "llama_cpp", max_tokens=3)
    publish(tuned)
    (found,) = publishing.published(tuned.id)
    # random weights end in text that is no text, so only the beginnings of the answers are the same
    assert sum(answer.equal or answer.place > 0 for answer in found.smoke.answers) >= 4, found.smoke
    choice = publishing.engine_choice(tuned)
    assert choice is not None
    assert choice.llama_cpp_tokens_per_s

    both = [list(inference.chunks(tuned.id, "A", one, max_tokens=8, logprobs=1)) for one in ("studio", "llama_cpp")]
    last = [chunks[-1] for chunks in both]
    assert (last[0].prompt_tokens, last[0].finish_reason) == (last[1].prompt_tokens, last[1].finish_reason)
    assert any("llama.cpp" in name for name in inference.engine.loaded)
    publishing.choose_engine(tuned.id, "llama_cpp")
    assert prepare(tuned.id, [Message("user", "A")]).served.gguf is not None
    publishing.choose_engine(tuned.id, "studio")
    assert prepare(tuned.id, [Message("user", "A")]).served.gguf is None
    assert publishing.engine_choice(tuned).engine == "studio"
    publishing.retire(tuned.id, "llama_cpp")
    assert inference.text(tuned.id, "A", max_tokens=4)


@pytest.mark.parametrize(("method", "settings"), [("full", {}), ("lora", {"dora": True})])
def test_a_complete_model_is_one_file(
    inference: Inference, studio_env: Path, tmp_path: Path, method: str, settings: dict[str, bool]
) -> None:
    """A fully fine-tuned model as trained; one whose adapter llama.cpp cannot apply, merged into its base."""
    base = llama_cpp.make_directory(tmp_path / "base")
    if method == "full":
        trained = llama_cpp.make_directory(tmp_path / "trained", seed=5)
    else:
        trained = make_adapter(base, tmp_path / "adapter", settings=settings)
    job = launch(make_dataset(), f"local:{base}", method=method, method_config=settings, name="Whole")
    model = succeed(job, trained)
    publish(model)
    (found,) = publishing.published(model.id)
    assert found.route == "Complete GGUF file (f16)."
    assert found.details["adapter"] == ""
    assert found.details["model"].endswith("model-f16.gguf")
    assert sum(answer.equal or answer.place > 0 for answer in found.smoke.answers) >= 4, found.smoke
    assert (models.get_model(model.id).merged is not None) == (method == "lora")
    probs = []
    for engine in ("studio", "llama_cpp"):
        chunks = list(inference.chunks(model.id, "A", engine, max_tokens=1, logprobs=1))
        probs.append(next(one.logprob for chunk in chunks for one in chunk.logprobs))
    assert probs[0] == pytest.approx(probs[1], abs=0.05)
    publishing.retire(model.id, "llama_cpp")
    assert publishing.published(model.id) == []
    assert inference.text(model.id, "A", max_tokens=2)


def test_a_killed_child_ends_its_answer_and_the_next_one_starts_it_again(
    inference: Inference, tuned: models.ModelRecord
) -> None:
    publish(tuned)
    assert inference.text(tuned.id, "Tell me", "llama_cpp", max_tokens=3)
    (server,) = inference.engine._llama._servers.values()
    server._process.send_signal(signal.SIGSTOP)  # a tiny model would have answered before it is killed
    threading.Timer(0.5, server._process.kill).start()
    with pytest.raises(ProviderError, match=r"llama\.cpp process ended"):
        inference.text(tuned.id, "Tell me", "llama_cpp", max_tokens=400)
    assert inference.engine.open == 0
    assert inference.text(tuned.id, "Tell me", "llama_cpp", max_tokens=3)


def test_a_cancelled_answer_gives_its_place_back(inference: Inference, tuned: models.ModelRecord) -> None:
    publish(tuned)
    cancelled, answers = threading.Event(), queue.SimpleQueue()
    inference.engine.reserve()
    question = prepare(tuned.id, [Message("user", "Tell me")], engine="llama_cpp")
    options = ChatOptions(max_tokens=400)
    inference.engine.submit(GenerationRequest(question, options, answers.put, cancelled))
    answers.get(timeout=180)
    cancelled.set()
    until = time.monotonic() + 30
    while inference.engine.open and time.monotonic() < until:
        time.sleep(0.02)
    assert inference.engine.open == 0


def test_a_small_model_has_one_thread_and_threads_wait_asleep(tmp_path: Path) -> None:
    """Beside other work, threads that spin made the answers of a small model eighty times slower."""
    small, large = tmp_path / "small.gguf", tmp_path / "large.gguf"
    small.write_bytes(b"GGUF")
    with large.open("wb") as stream:
        stream.truncate(200_000_000)
    cores = len(os.sched_getaffinity(0))
    assert (llama_server.threads_for(small), llama_server.threads_for(large)) == (1, cores)
    with patch.object(llama_server.subprocess, "Popen") as started:
        started.return_value.stdout = []
        with pytest.raises(llama_server.NotLoaded):
            llama_server.LlamaServer(small, context=64)
    assert started.call_args.kwargs["env"]["OMP_WAIT_POLICY"] == "PASSIVE"
    with pytest.raises(llama_server.NotLoaded):
        llama_server.LlamaServer(tmp_path / "missing.gguf", context=64)


def test_deleted_gguf_files_leave_the_studios_engine(inference: Inference, tuned: models.ModelRecord) -> None:
    publish(tuned)
    publishing.choose_engine(tuned.id, "llama_cpp")
    (found,) = publishing.published(tuned.id)
    Path(found.details["adapter"]).unlink()
    assert prepare(tuned.id, [Message("user", "A")]).served.gguf is None
    with pytest.raises(NotFound):
        prepare(tuned.id, [Message("user", "A")], engine="llama_cpp")
