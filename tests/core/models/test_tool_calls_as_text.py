"""Tool calls as text: the same calls have the same text, others another one."""

from __future__ import annotations

import pytest

from core.messages import Message
from core.models.tool_calls import as_text
from core.serving.evaluation import EVALUATION_METRICS, Graded


def message(arguments: object, name: str = "weather") -> Message:
    return Message("assistant", "", tool_calls=({"function": {"name": name, "arguments": arguments}},))


EXPECTED = as_text.of_message(message('{"city": "Ulm", "days": 2}').tool_calls)


@pytest.mark.parametrize(
    ("name", "arguments", "right"),
    [
        ("weather", '{"days":2,"city":"Ulm"}', 1),
        ("weather", {"days": 2, "city": "Ulm"}, 1),
        ("weather", '{"days": "2", "city": "Ulm"}', 0),
        ("weather", '{"city": "Ulm"}', 0),
        ("forecast", '{"city": "Ulm", "days": 2}', 0),
        ("weather", '{"city": "Ulm", "days": 2', 0),
    ],
)
def test_a_call_is_exact_by_its_name_and_arguments(name: str, arguments: object, right: int) -> None:
    answer = as_text.of_message(message(arguments, name).tool_calls)
    of_one = EVALUATION_METRICS.get("exact_match").of_one
    assert of_one is not None
    assert of_one(Graded(EXPECTED, answer)) == right


def test_no_arguments_are_an_empty_object_and_several_calls_are_lines() -> None:
    assert as_text.written([("now", ""), ("weather", '{"b": 1, "a": 2}')]) == 'now({})\nweather({"a": 2, "b": 1})'
    assert as_text.in_words(Message("user", "Rain?")) == "Rain?"
    assert as_text.in_words(message("{}")) == "weather({})"


def test_a_text_of_calls_is_read_again() -> None:
    text = 'now({})\nweather({"a": ")", "b": 1})'
    assert as_text.written(as_text.read(text) or []) == text
    assert as_text.read("now()") == [("now", "{}")]
    for other in ("", "Hello", "now({)", "now([1])", "now({})\nHello", "I call now({})"):
        assert as_text.read(other) is None
