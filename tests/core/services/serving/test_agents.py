"""Agents: versions, the split that a conversation keeps, the fallback, and models that agents use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import Conflict, NotFound, ProviderUnavailable, SettingsError
from core.platform.db.tables import TURNS, Evaluation, ModelVerdict
from core.platform.db.uow import UnitOfWork, read
from core.services.platform.listing import View
from core.services.serving import agents, chat, conversations
from core.services.serving.agents import AgentChanges
from core.services.serving.conversations import AnswerChoice
from core.services.training import models
from core.services.training.models import ModelRecord
from core.serving.agents import AgentSettings, TrafficSplit
from core.serving.evaluations.records import Summary
from core.serving.targets import ChatOptions
from tests.support.talking import Talker, finished, talking, tuned


@pytest.fixture
def talker(studio_env: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Talker]:
    """Answers for the studio's models."""
    with talking(monkeypatch) as found:
        yield found


@pytest.fixture
def on_both(database: str, talker: Talker) -> Talker:
    """The same on SQLite and PostgreSQL."""
    return talker


@pytest.fixture
def pair(talker: Talker, tmp_path: Path) -> tuple[ModelRecord, ModelRecord]:
    """Two models that can answer."""
    return tuned(tmp_path / "one", "First"), tuned(tmp_path / "two", "Second")


def ask(agent_id: str, conversation: str = "", text: str = "Hello?") -> conversations.ConversationRecord:
    conversation = conversation or conversations.new_conversation_id()
    conversations.send(conversation, text, AnswerChoice("", agent_id=agent_id))
    return finished(conversation)


def test_an_agent_answers_with_its_model_system_message_and_settings(on_both: Talker, tmp_path: Path) -> None:
    model = tuned(tmp_path / "adapter")
    agent = agents.create(
        name="Support",
        model=model.name,
        system="Be kind.",
        settings={"max_tokens": 64, "temperature": 0.5, "stop": ["###"]},
    )
    assert (agent.handle, agent.model_name, agent.version.number) == ("support", "agent:support", 1)
    found = ask(agent.id)
    assert on_both.asked == [[{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello?"}]]
    assert on_both.options == [ChatOptions(64, 0.5, stop=("###",))]
    answer = found.turns[1]
    assert (answer.agent_id, answer.agent_version, answer.model_id) == (agent.id, 1, model.id)
    assert (found.agent_id, found.origin, found.system) == (agent.id, "chat", "Be kind.")
    assert answer.settings == {"max_tokens": 64, "temperature": 0.5, "stop": ["###"]}


def test_a_change_is_a_version_and_an_earlier_one_comes_back_with_one_call(pair: tuple[ModelRecord, ...]) -> None:
    first, second = pair
    agent = agents.create(name="Support", model=first.id, system="Be kind.", starters=["Where is my order?"])
    changed = agents.update(agent.id, model=second.id, system="Be brief.", note="Shorter answers", author="Ann")
    assert (changed.version.number, changed.version.note, changed.version.author) == (2, "Shorter answers", "Ann")
    assert [(one.field, one.before, one.after) for one in agents.diff(changed, 1, 2)] == [
        ("system", "Be kind.", "Be brief."),
        ("model", "First", "Second"),
    ]
    back = agents.roll_back(agent.id, 1, author="Bo")
    assert back.version.number == 3
    assert back.version.content() == agent.version.content()
    assert [version.number for version in agents.versions(agent.id)] == [3, 2, 1]
    with pytest.raises(Conflict, match="already answers as version 1"):
        agents.roll_back(agent.id, 1)
    with pytest.raises(NotFound, match="no version 9"):
        agents.roll_back(agent.id, 9)


def test_a_name_or_a_text_about_the_agent_is_not_a_version(pair: tuple[ModelRecord, ...]) -> None:
    agent = agents.create(name="Support", model=pair[0].id)
    renamed = agents.update(agent.id, name="Help desk", description="First line", system="")
    assert (renamed.name, renamed.handle, renamed.description) == ("Help desk", "support", "First line")
    assert renamed.version.number == 1
    with pytest.raises(Conflict, match="changed in the meantime"):
        agents.update(agent.id, system="x", seen=7)


def test_names_and_handles_are_unique(pair: tuple[ModelRecord, ...]) -> None:
    model = pair[0].id
    agents.create(name="Support", model=model)
    with pytest.raises(Conflict, match="the name “Support”"):
        agents.create(name="Support", model=model)
    assert agents.create(name="Support!", model=model).handle == "support-2"
    with pytest.raises(Conflict, match="the handle “support”"):
        agents.create(name="Other", handle="support", model=model)
    assert agents.create(name="Über uns", model=model).handle == "uber-uns"
    assert agents.create(name="支持", model=model).handle == "agent"


def test_a_wrong_value_is_refused_with_its_field(pair: tuple[ModelRecord, ...]) -> None:
    first, second = (model.id for model in pair)
    wrong: list[tuple[AgentChanges, str]] = [
        ({"name": " "}, "name"),
        ({"handle": "Support Desk"}, "handle"),
        ({"model": ""}, "model"),
        ({"model": "no such model"}, "model"),
        ({"fallback": first}, "fallback"),
        ({"split": (first, 0.5)}, "split_model"),
        ({"split": (second, 1.0)}, "split_share"),
        ({"settings": {"temperature": 9}}, "temperature"),
        ({"settings": {"warmth": 1}}, "settings"),
        ({"starters": ["x" * 301]}, "starters"),
        ({"system": "x" * 100_001}, "system"),
    ]
    for given, field in wrong:
        usual: AgentChanges = {"name": "Support", "model": first}
        with pytest.raises(SettingsError) as caught:
            agents.create(**{**usual, **given})
        assert caught.value.field == field
    assert agents.list_agents() == []


def test_a_conversation_keeps_its_side_of_a_split(pair: tuple[ModelRecord, ...]) -> None:
    first, second = pair
    agent = agents.create(name="Support", model=first.id, split=(second.id, 0.25))
    threads = [f"conv_{number}" for number in range(400)]
    sides = {thread: agent.version.model_of(thread) for thread in threads}
    share = sum(model_id == second.id for model_id in sides.values()) / len(threads)
    assert 0.18 < share < 0.32
    for thread in (*threads[:4], next(thread for thread in threads if sides[thread] == second.id)):
        assert agents.resolve(agent.id, thread).model.id == sides[thread]
    more = TrafficSplit(second.id, 0.5)
    assert all(more.takes(agent.id, thread) for thread, model_id in sides.items() if model_id == second.id)


def test_the_fallback_answers_for_a_model_that_cannot(
    pair: tuple[ModelRecord, ...], talker: Talker, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = pair
    agent = agents.create(name="Support", model=first.id, fallback=second.id)
    spoken = talker.chat

    def chat_of(model_id: str, *rest: object) -> object:
        if model_id == first.id:
            raise ProviderUnavailable("It does not respond.", "")
        return spoken(model_id, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(talker, "chat", chat_of)
    answer = ask(agent.id).turns[1]
    assert (answer.state, answer.model_id, answer.model_name) == ("complete", second.id, "Second")
    plain = agents.update(agent.id, fallback="")
    answer = ask(plain.id).turns[1]
    assert (answer.state, answer.model_id) == ("failed", first.id)


def test_an_archived_agent_does_not_answer(pair: tuple[ModelRecord, ...]) -> None:
    agent = agents.create(name="Support", model=pair[0].id)
    assert agents.archive([agent.id]) == 1
    with pytest.raises(NotFound, match="“Support” is archived"):
        ask(agent.id)
    assert agents.list_agents() == []
    assert agents.restore([agent.id]) == 1
    assert ask(agent.id).turns[1].state == "complete"


def test_a_model_in_use_is_neither_archived_nor_deleted(pair: tuple[ModelRecord, ...]) -> None:
    first, second = pair
    agents.create(name="Support", model=first.id, fallback=second.id)
    for refuse in (lambda: models.archive([first.id]), lambda: models.delete(first.id, first.name)):
        with pytest.raises(Conflict, match="“First” is used by 1 agent: “Support”"):
            refuse()
    assert models.dependents(first.id).agents == ("Support",)
    assert models.get_model(first.id).state == "active"


def test_agents_move_to_their_fallback(pair: tuple[ModelRecord, ...]) -> None:
    first, second = pair
    agent = agents.create(name="Support", model=first.id, fallback=second.id)
    split = agents.create(name="Split", model=first.id, split=(second.id, 0.1))
    alone = agents.create(name="Alone", model=first.id)
    with pytest.raises(Conflict, match="used by “Alone”, which has no other model"):
        agents.move_off(first.name)
    assert agents.get_agent(agent.id).version.model_id == first.id, "none moves where one cannot"
    agents.delete(alone.id, "Alone")
    assert {one.name for one in agents.move_off(first.name, author="Ann")} == {"Support", "Split"}
    models.delete(first.id, first.name)
    moved, unsplit = agents.get_agent(agent.id).version, agents.get_agent(split.id).version
    assert (moved.model_id, moved.fallback_model_id, moved.note) == (second.id, "", "Moved from “First”.")
    assert (unsplit.model_id, unsplit.split) == (second.id, None)
    with pytest.raises(SettingsError) as caught:
        agents.roll_back(agent.id, 1)
    assert caught.value.field == "model"


def test_a_model_is_deployed_to_agents_with_a_note(pair: tuple[ModelRecord, ...]) -> None:
    first, second = pair
    one, two = (agents.create(name=name, model=first.id) for name in ("One", "Two"))
    changed = agents.deploy(second.id, [one.handle, two.id], reason="Better on tickets.", author="Ann")
    assert [(agent.version.model_id, agent.version.number) for agent in changed] == [(second.id, 2)] * 2
    assert changed[0].version.note == "“Second” deployed. Better on tickets."
    canary = agents.deploy(first.id, [one.id], share=0.1)[0].version
    assert (canary.model_id, canary.split) == (second.id, TrafficSplit(first.id, 0.1))
    assert agents.deploy(first.id, [one.id])[0].version.split is None


def test_agents_are_listed_with_what_they_answered(pair: tuple[ModelRecord, ...]) -> None:
    agent = agents.create(name="Support", model=pair[0].id, system="Tickets only.")
    agents.create(name="Other", model=pair[1].id)
    conversation = ask(agent.id).id
    conversations.send(conversation, "And?", AnswerChoice("", agent_id=agent.id), seen=finished(conversation).last_id)
    finished(conversation)
    figures = agents.figures([agent.id])[agent.id]
    assert (figures.conversations, figures.answers, figures.tokens) == (1, 2, 6)
    assert figures.seconds is not None
    found, rows = agents.look_up(View(search="tickets"))
    assert [row.id for row in rows] == [agent.id]
    assert found.counts["model"] == {pair[0].id: 1}
    assert [one.name for one in agents.newest(limit=5)] == ["Other", "Support"]


def test_a_deleted_agent_leaves_its_conversations(pair: tuple[ModelRecord, ...]) -> None:
    agent = agents.create(name="Support", model=pair[0].id)
    conversation = ask(agent.id).id
    assert "Its 1 conversation" in agents.dependents(agent.id).text
    agents.delete(agent.id, "Support")
    assert conversations.get_conversation(conversation).agent_id == agent.id
    assert agents.create(name="Support", model=pair[0].id).handle == "support"


def test_the_settings_are_those_of_an_answer() -> None:
    settings = AgentSettings(max_tokens=5, temperature=1, top_p=0.5, seed=3, stop=("a",))
    assert settings.options == ChatOptions(5, 1.0, 0.5, 3, ("a",))


def test_an_agent_whose_models_are_all_gone_says_so(
    pair: tuple[ModelRecord, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = agents.create(name="Support", model=pair[0].id, fallback=pair[1].id)

    def gone(model_id: str) -> chat.ServedModel:
        raise NotFound(f"The model {model_id!r} does not exist.", "")

    monkeypatch.setattr(chat, "identity", gone)
    with pytest.raises(NotFound, match="does not exist"):
        ask(agent.id)
    assert read(TURNS.select()) == []


def test_a_change_of_the_model_passes_the_verdict_as_a_deployment_does(pair) -> None:
    first, second = pair
    agent = agents.create(name="Desk", model=first.id)
    both = [{"id": one.id, "title": one.name, "kind": "tuned"} for one in pair]
    with UnitOfWork() as uow:
        uow.session.add(Evaluation(id="eval_1", name="Both", models=both, summary=Summary("exact_match", ()).to_dict()))
        uow.session.add(
            ModelVerdict(
                id="verdict_1", candidate_id=second.id, parent_id=first.id, evaluation_id="eval_1", decision="dont_ship"
            )
        )
        uow.commit()
    for change in ({"model": second.id}, {"split": (second.id, 0.2)}):
        with pytest.raises(Conflict, match="Don't ship"):
            agents.update(agent.id, **change)
    with pytest.raises(Conflict, match="Don't ship"):
        agents.deploy(second.id, [agent.id])
    assert agents.get_agent(agent.id).version.number == 1
    (deployed,) = agents.deploy(second.id, [agent.id], reason="A customer waits.", author="Ada")
    assert deployed.version.model_id == second.id
    assert "A customer waits." in deployed.version.note
    assert agents.update(agent.id, system="Be brief.").version.number == 3, "the model stays: it was let through"


def test_a_model_is_deployed_to_all_of_the_agents_or_to_none(pair: tuple[ModelRecord, ...]) -> None:
    first, second = pair
    one, other = (agents.create(name=name, model=model.id) for name, model in (("One", first), ("Other", second)))
    with pytest.raises(SettingsError, match="same model"):
        agents.deploy(second.id, [one.id, other.id], share=0.2)
    with pytest.raises(SettingsError, match="note"):
        agents.deploy(second.id, [one.id], reason="x" * 3_000)
    assert [agents.get_agent(agent.id).version.number for agent in (one, other)] == [1, 1]
    assert len({agent.version.model_id for agent in agents.deploy(second.id, [one.id, one.name, other.id])}) == 1
