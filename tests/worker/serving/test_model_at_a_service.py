"""A tuned model that only answers at its service: tested, evaluated, compared and deployed as any other one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import BudgetReached, Conflict
from core.messages import Message
from core.services.platform import budgets, connections, spending
from core.services.serving import chat, connected, conversations, evaluating, from_code, kept
from core.services.serving.chat import ChatOptions
from core.services.serving.comparing import typed
from core.services.serving.conversations import AnswerChoice
from core.services.serving.evaluating import testing
from core.services.training import models
from core.services.training.models import ModelRecord
from tests.support.llm_server import LlmServer, Reply, Request, llm_server
from tests.support.notebook import Notebook, notebook, tuned_there, visit
from tests.support.servers import wait_until

HELLO = [Message("user", "Hello")]


def behave(request: Request) -> Reply:
    """The tuned model knows the color; the base does not."""
    return Reply("Blue." if request.body.get("model") == "small:tuned" else "I do not know.", usage=(12, 4))


@pytest.fixture
def server() -> Iterator[LlmServer]:
    with llm_server(behave) as running:
        running.models = ["small", "small:tuned"]
        yield running


@pytest.fixture
def service(studio_env: Path, tmp_path: Path) -> Iterator[Notebook]:
    with notebook(tmp_path / "notebook.json") as made:
        yield made


@pytest.fixture
def model(service: Notebook, server: LlmServer) -> ModelRecord:
    return tuned_there(service, server.url)


def priced(model: ModelRecord) -> None:
    connection, _ = connected.place(model.id)
    connections.save(
        id=connection.id, name=connection.name, kind=connection.kind, base_url=connection.base_url,
        training=connection.training, prices={"*": {"input": 1_000, "output": 10_000}},
    )  # fmt: skip


def test_its_test_asks_it_and_its_base_there_and_is_its_score(model: ModelRecord, server: LlmServer) -> None:
    priced(model)
    started = testing.start(model.id)
    assert [(one.id, one.kind) for one in started.models] == [
        (model.id, "connection"), (model.base_there, "connection"),
    ]  # fmt: skip
    ended = visit(started.task_id)
    assert ended.state == "succeeded", ended.error
    assert {one.body["model"] for one in server.chats} == {"small", "small:tuned"}
    main = models.scores(model)[0]
    assert main.title.startswith("Held-out examples")
    assert main.tuned.value > main.base.value  # type: ignore[union-attr]
    (work,) = (one for one in spending.spending().works if one.kind == "judging")
    assert (work.state, work.provider) == ("settled", "Cloud")


def test_a_base_that_the_service_does_not_serve_is_left_out(model: ModelRecord, server: LlmServer) -> None:
    server.models = ["small:tuned"]
    assert [one.id for one in testing.start(model.id).models] == [model.id]


def test_it_is_evaluated_by_its_name(model: ModelRecord, server: LlmServer) -> None:
    started = evaluating.start([model.name], models.trained_version(model.id), split="validation")
    assert visit(started.task_id).state == "succeeded"
    assert evaluating.get(started.id).models[0].title == model.name
    assert models.scores(model)


def test_its_answers_in_chat_and_compare_are_paid(model: ModelRecord) -> None:
    priced(model)
    with budgets.acting("Ada"):
        talk = conversations.send(conversations.new_conversation_id(), "Hello", AnswerChoice(model.id))
        assert talk.last is not None
        asked = kept.ask([model.id, model.base_there], typed("Hello"), ChatOptions(max_tokens=16))
    for answer in asked.answers:
        assert answer.done.wait(120)
        assert answer.error is None
    assert [one.text for one in asked.answers] == ["Blue.", "I do not know."]
    wait_until(lambda: not conversations.get_conversation(talk.id).last.is_running, 30, "the answer in the chat")  # type: ignore[union-attr]
    paid = [one for one in spending.spending().works if one.kind == "answers"]
    assert {one.title for one in paid} == {"Answers of “Items there”", "Answers of “small (Cloud)”"}
    assert {one.person for one in paid} == {"Ada"}


def test_a_budget_stops_an_answer_before_the_message_is_stored(model: ModelRecord) -> None:
    priced(model)
    budgets.set_budget("answers", 0.001)
    conversation = conversations.new_conversation_id()
    with pytest.raises(BudgetReached, match="does not cover"):
        conversations.send(conversation, "Hello", AnswerChoice(model.id))
    assert conversations.revision_of(conversation) is None
    with pytest.raises(BudgetReached):
        kept.ask([model.id, model.base_there], typed("Hello"), ChatOptions())
    with pytest.raises(BudgetReached):
        list(chat.stream(model.id, HELLO))
    with budgets.acting("Ada", "The customer waits."):
        assert "".join(chat.stream(model.id, HELLO)) == "Blue."
    (beyond,) = spending.overrides()
    assert (beyond.person, beyond.override_reason) == ("Ada", "The customer waits.")


def test_an_archived_one_is_deployed_by_its_name(model: ModelRecord) -> None:
    models.archive([model.id])
    done = from_code.deploy(model.id)
    assert (done.model.state, done.name, done.process.ok) == ("active", "items-there", True)


def test_one_that_answers_nowhere_says_so(service: Notebook, server: LlmServer) -> None:
    model = tuned_there(service, server.url, model="")
    for ask in (testing.start, from_code.deploy, lambda one: list(chat.stream(one, HELLO))):
        with pytest.raises(Conflict, match="does not answer at its service"):
            ask(model.id)
