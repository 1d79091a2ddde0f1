"""`sft chat --agent` and `sft conversations`: an agent is asked, what was said is stored, listed and imported."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.cli import main
from core.errors import ProviderError
from core.platform import supervisor
from core.services.data import datasets
from core.services.serving import agents, conversations, feedback
from core.services.serving.recorded import talks
from core.services.serving.recorded.talks import TalksAsked
from tests.support.talking import Talker, talking

Printed = pytest.CaptureFixture[str]


@pytest.fixture
def talker(studio_env: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Talker]:
    real = supervisor.ensure  # the talker answers in the place of the inference process
    monkeypatch.setattr(supervisor, "ensure", lambda names, *say: real(set(names) - {"inference"}, *say))
    with talking(monkeypatch, any_model=True) as found:
        settings = agents.AgentSettings(max_tokens=64, temperature=0.5)
        starters = ["Where is my order?", "Cancel it."]
        agents.create(name="Help desk", model="starter", system="Be kind.", starters=starters, settings=settings)
        yield found


def only_talk() -> conversations.ConversationRecord:
    (found,) = talks.find(TalksAsked())[0]
    return conversations.get_conversation(found.id)


@pytest.mark.parametrize("named", [["--agent", "Help desk"], ["--model", "agent:help-desk"]])
def test_an_agent_answers_as_itself_and_the_conversation_is_stored(
    named: list[str], talker: Talker, capsys: Printed
) -> None:
    assert main(["chat", "Hello", *named]) == 0
    printed = capsys.readouterr()
    assert printed.out == "Answer 1\n"
    assert talker.asked[0][0] == {"role": "system", "content": "Be kind."}
    assert (talker.options[0].max_tokens, talker.options[0].temperature) == (64, 0.5)
    talk = only_talk()
    assert f"--conversation {talk.id}" in printed.err
    answer = talk.last
    assert answer
    assert (talk.origin, answer.content, answer.state) == ("chat", "Answer 1", "complete")
    assert (answer.agent_version, answer.completion_tokens, answer.seconds > 0) == (1, 3, True)
    assert main(["chat", "And then?", *named, "--conversation", talk.id]) == 0
    assert [message["role"] for message in talker.asked[1]] == ["system", "user", "assistant", "user"]
    assert len(only_talk().turns) == 4


def test_without_a_question_the_starters_are_shown_and_each_line_is_asked(
    talker: Talker, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("2\nWhy?\n\nnever asked\n"))
    assert main(["chat", "--agent", "help-desk"]) == 0
    printed = capsys.readouterr()
    assert "1  Where is my order?\n  2  Cancel it." in printed.err
    assert printed.out == "Answer 1\nAnswer 2\n"
    assert [turn.content for turn in only_talk().turns if not turn.is_answer] == ["Cancel it.", "Why?"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["Hello", "--agent", "help-desk", "--temperature", "1"], "--temperature: an agent has its own"),
        (["Hello", "--agent", "help-desk", "--model", "starter"], "exclude each other"),
        (["Hello", "--agent", "nobody"], "The agent 'nobody' does not exist"),
        (["Hello", "--agent", "help-desk", "--conversation", "conv_no"], "does not exist"),
        (["Hello", "--conversation", "conv_no"], "--conversation needs --agent"),
        (["--model", "starter"], "There is no question"),
    ],
)
def test_what_cannot_be_asked_is_refused(arguments: list[str], message: str, talker: Talker, capsys: Printed) -> None:
    assert main(["chat", *arguments]) == 1
    assert message in capsys.readouterr().err
    assert talks.find(TalksAsked())[1] == 0


def test_an_answer_that_fails_is_reported_and_stored(talker: Talker, capsys: Printed) -> None:
    talker.error = ProviderError("The model stopped.", "Ask again.")
    assert main(["chat", "Hello", "--agent", "help-desk"]) == 1
    printed = capsys.readouterr()
    assert printed.out == "Answer \n"
    assert "The model stopped." in printed.err
    assert only_talk().last.state == "failed"  # type: ignore[union-attr]
    assert main(["conversations", "show", only_talk().id]) == 0
    assert "failed" in capsys.readouterr().out


def test_conversations_are_listed_and_become_a_dataset(talker: Talker, capsys: Printed) -> None:
    for number in range(12):
        assert main(["chat", f"Question {number}?", "--agent", "help-desk"]) == 0
    found = talks.find(TalksAsked(), limit=20)[0]
    bad, fixed = (conversations.get_conversation(one.id) for one in found[:2])
    feedback.rate(bad.id, bad.last_id, thumb=-1, reasons=["incorrect"])
    feedback.decide(feedback.correct(fixed.id, fixed.last_id, "The right answer.").id, "accepted")
    capsys.readouterr()

    def listed(*arguments: str) -> list[str]:
        assert main(["conversations", *arguments, "--json"]) == 0
        return [json.loads(line)["id"] for line in capsys.readouterr().out.splitlines()]

    assert len(listed("--agent", "agent:help-desk")) == 12
    assert listed("--reason", "incorrect") == listed("--rating", "bad") == [bad.id]
    assert listed("--to", "2020-01-01") == []
    assert len(listed("--from", "2020-01-01", "--search", "question 1")) == 3
    assert main(["conversations", "--from", "today"]) == 1
    assert "--from today: not a date" in capsys.readouterr().err
    assert main(["conversations", "--limit", "2"]) == 0
    assert "2 of 12 conversations" in capsys.readouterr().err

    choices = ["--agent", "help-desk", "--min-quality", "50", "--max-examples", "11", "--json"]
    assert main(["conversations", "import", "Desk", *choices]) == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["name"], made["conversations"], made["examples"]) == ("Desk", 12, 11)
    assert made["left"]["low_quality"] == 2
    examples = [str(one) for one in datasets.iter_examples(f"{made['dataset']}-v1")]
    assert sum("The right answer." in one for one in examples) == 1
