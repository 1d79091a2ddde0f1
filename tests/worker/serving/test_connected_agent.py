"""An agent whose model is behind a connection, answered by real llama.cpp servers: streamed, stored, and what happens
when the server dies in the middle of an answer."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.cli import main
from core.services.platform import connections
from core.services.serving import agents, connected, conversations
from core.services.serving.agents import AgentRecord
from core.services.serving.conversations import AnswerChoice, TurnRecord
from tests.support import llama_cpp, tiny_gguf
from tests.support.servers import wait_until
from tests.support.talking import finished
from worker.serving.gguf_write import write_model
from worker.serving.llama_server import LlamaServer

MODEL = "tiny"
CONTEXT = 16_384
LONG, SHORT = 3_000, 24  # tokens; the long answer takes seconds
ASKED = "Where is my order?"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny GGUF file that goes on talking: it never chooses one of the special tokens, which end an answer."""
    import torch
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("connected")
    base = llama_cpp.make_directory(folder / "base", max_position_embeddings=CONTEXT)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    with torch.no_grad():
        model.get_input_embeddings().weight[: len(tiny_gguf.SPECIALS)] = 0.0
    model.save_pretrained(base)
    write_model(base, folder / "base.gguf", "f16", lambda share: None, name="Tiny", license="apache-2.0")
    return folder / "base.gguf"


@contextmanager
def server(weights: Path, name: str) -> Iterator[tuple[LlamaServer, str]]:
    """A server in a process, and the id of its model behind a connection that has its address and key."""
    running = LlamaServer(weights, threads=1, context=CONTEXT)
    try:
        client = running.client
        key = client.headers["Authorization"].removeprefix("Bearer ")
        saved = connections.save(name=name, kind="openai", base_url=f"{str(client.base_url).rstrip('/')}/v1", key=key)
        yield running, connected.model_id(saved.id, MODEL)
    finally:
        running.client.close()
        running.stop()


def ask(agent: AgentRecord, text: str = ASKED) -> str:
    """The id of a conversation whose answer has begun."""
    talk = conversations.new_conversation_id()
    conversations.send(talk, text, AnswerChoice("", agent_id=agent.id))
    return talk


def first_words(talk: str) -> TurnRecord:
    """The answer as soon as some words of it have arrived."""
    turn = conversations.get_conversation(talk).last
    assert turn
    seen = [turn]

    def has_words() -> bool:
        seen[0] = conversations.progress(turn) or turn
        return len(seen[0].content) > 20 or not seen[0].is_running

    wait_until(has_words, 60, "the first words")
    return seen[0]


def test_an_answer_is_streamed_and_stored_with_its_latency_and_tokens(
    weights: Path, studio_env: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with server(weights, "Rack") as (_, model_id):
        settings = agents.AgentSettings(max_tokens=LONG, temperature=0.0)
        agent = agents.create(name="Desk", model=model_id, system="Be kind.", settings=settings)
        talk = ask(agent)
        begun = first_words(talk)
        assert begun.is_running, "the answer is in view before it is complete"
        conversations.stop(begun.id)
        stopped = finished(talk).last
        assert stopped
        assert (stopped.state, stopped.content.startswith(begun.content)) == ("stopped", True)

        agents.update(agent.id, settings=agents.AgentSettings(max_tokens=SHORT, temperature=0.0))
        answer = finished(ask(agents.get_agent(agent.id))).last
        assert answer
        assert (answer.state, answer.finish_reason, answer.completion_tokens) == ("complete", "length", SHORT)
        assert answer.prompt_tokens > 5
        assert answer.content
        assert (answer.model_id, answer.model_name) == (model_id, "tiny (Rack)")
        assert (answer.agent_id, answer.agent_version, answer.system) == (agent.id, 2, "Be kind.")
        assert answer.first_token_s is not None
        assert 0 < answer.first_token_s <= answer.seconds

        assert main(["chat", ASKED, "--agent", "desk"]) == 0
        assert capsys.readouterr().out == f"{answer.content}\n", "the same answer: the same system message and settings"


def test_a_server_that_dies_in_an_answer_leaves_its_part_and_the_fallback_answers_from_then_on(
    weights: Path, studio_env: Path
) -> None:
    with server(weights, "First") as (first, first_id), server(weights, "Second") as (_, second_id):
        settings = agents.AgentSettings(max_tokens=LONG, temperature=0.0)
        agent = agents.create(name="Desk", model=first_id, fallback=second_id, settings=settings)
        talk = ask(agent)
        first_words(talk)
        os.kill(first._process.pid, signal.SIGKILL)
        broken = finished(talk).last
        assert broken
        assert (broken.state, broken.model_id) == ("failed", first_id), "no other model continues it: decision 47"
        assert len(broken.content) > 20, "the part that arrived is kept"
        assert "First" in broken.error["message"]
        assert broken.error["remedy"]

        agents.update(agent.id, settings=agents.AgentSettings(max_tokens=SHORT, temperature=0.0))
        choice = AnswerChoice("", agent_id=agent.id)
        conversations.regenerate(talk, broken.id, choice, seen=broken.id)
        again = finished(talk).last
        assert again
        assert (again.state, again.model_id, again.completion_tokens) == ("complete", second_id, SHORT)
        assert again.content == broken.content[: len(again.content)], "both servers have the same weights"
