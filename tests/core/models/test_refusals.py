"""What a run does with conversations that the chat template refuses."""

from __future__ import annotations

import pytest

from core.errors import DataError
from core.messages import Message
from core.models.base_models.light_tokenizer import LightTokenizer
from core.models.refusals import accepted, attempt, merge_system, of_example, question
from core.models.render import REFUSED, render, render_prompt
from tests.support.random_model import make_model, refuse_system

SYSTEM, ASK, SAY = Message("system", "Be brief."), Message("user", "Where?"), Message("assistant", "There.")
MERGED = (Message("user", "Be brief.\n\nWhere?"), SAY)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> LightTokenizer:
    return LightTokenizer(refuse_system(make_model(tmp_path_factory.mktemp("model"))))


def test_the_system_text_goes_in_front_of_the_first_input() -> None:
    assert merge_system((SYSTEM, ASK, SAY, ASK, SAY)) == (*MERGED, ASK, SAY)
    assert merge_system((ASK, SAY, SYSTEM, ASK, SAY)) == (*MERGED, ASK, SAY)
    assert merge_system((Message("system", " "), ASK, SAY)) == (ASK, SAY)
    assert merge_system((ASK, SAY)) == (ASK, SAY)


def test_each_policy_does_what_it_is_called(tokenizer: LightTokenizer) -> None:
    refused = (SYSTEM, ASK, SAY)
    with pytest.raises(DataError, match="System role not supported"):
        accepted(refused, tokenizer, "stop")
    assert accepted(refused, tokenizer, "leave_out") is None
    assert accepted(refused, tokenizer, "merge_system") == MERGED
    for policy in ("stop", "leave_out", "merge_system"):
        assert accepted((ASK, SAY), tokenizer, policy) == (ASK, SAY)


def test_a_conversation_without_system_text_that_is_refused_is_left_out(tokenizer: LightTokenizer) -> None:
    def never(messages: object) -> None:
        raise DataError("no", "", code=REFUSED)

    assert attempt(never, (ASK, SAY), "merge_system") is None
    assert attempt(never, (SYSTEM, ASK, SAY), "merge_system") is None


def test_other_errors_are_not_taken_for_refusals() -> None:
    def broken(messages: object) -> None:
        raise DataError("broken", "", code="base_model")

    with pytest.raises(DataError, match="broken"):
        attempt(broken, (ASK, SAY), "leave_out")


def test_a_question_is_asked_as_it_was_trained(tokenizer: LightTokenizer) -> None:
    assert question((SYSTEM, ASK), tokenizer, "stop") == (SYSTEM, ASK)
    assert question((SYSTEM, ASK), tokenizer, "merge_system") == MERGED[:1]
    prompt = render_prompt(question((SYSTEM, ASK), tokenizer, "merge_system"), tokenizer)
    assert render(MERGED, tokenizer).input_ids[: len(prompt)] == prompt


def test_an_error_names_the_example_and_its_line() -> None:
    error = of_example(DataError("It is refused.", "", code=REFUSED), 16, 18)
    assert error.message == "Example 17 (line 18): It is refused."
    assert of_example(error, 0, 0).message.startswith("Example 1: ")
