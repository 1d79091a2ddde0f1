"""Known chat shapes are recognized and become messages; nothing else is."""

from __future__ import annotations

from typing import Any

import pytest

from core.data.conversion import chat_shapes
from core.data.conversion.chat_shapes import CHAT_SHAPES
from core.messages import Row

CHAT = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
PAIR = [("user", "q"), ("assistant", "a")]
SYSTEM = [("system", "s"), *PAIR]

CASES: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
    ("messages", {"messages": CHAT}, PAIR),
    ("messages", {"messages": '[{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]'}, PAIR),
    ("sharegpt", {"id": "1", "conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}, PAIR),
    ("sharegpt", {"system": "s", "conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]},
     SYSTEM),
    ("sharegpt", {"conversations": [{"from": "system", "value": "s"}, {"role": "user", "content": "q"},
                                    {"from": "gpt", "value": "a"}]}, SYSTEM),
    ("alpaca", {"instruction": "q", "input": "", "output": "a"}, PAIR),
    ("alpaca", {"Instruction": "q", "Input": "more", "Output": "a", "system": "s"},
     [("system", "s"), ("user", "q\nmore"), ("assistant", "a")]),
    ("alpaca", {"instruction": "q", "output": "a", "history": [["h", "i"]]},
     [("user", "h"), ("assistant", "i"), *PAIR]),
    ("prompt_completion", {"prompt": "q", "completion": "a"}, PAIR),
    ("prompt_completion", {"prompt": CHAT[:1], "completion": CHAT[1:]}, PAIR),
    ("prompt_response", {"prompt": "q", "response": "a"}, PAIR),
    ("question_answer", {" Question": "q", "ANSWER": "a", "extra": "x"}, PAIR),
    ("input_output", {"input": "q", "output": "a"}, PAIR),
    ("roles", {"system": "s", "user": "q", "assistant": "a"}, SYSTEM),
    ("roles", {"system": "", "user": "q", "assistant": "a"}, PAIR),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "fields", "expected"), CASES)
def test_recognized_and_converted(shape: str, fields: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert chat_shapes.detect([Row(1, fields)] * 3) == shape
    made = CHAT_SHAPES.get(shape).shaped(fields).messages
    assert isinstance(made, list)
    assert [(message["role"], message["content"]) for message in made] == expected


@pytest.mark.parametrize(
    "fields",
    [{"text": "x", "label": "y"}, {"question": "q"}, {"messages": "no list"}, {"messages": {"role": "user"}},
     {"conversations": "hello"}, {}, {"name": "x", "price": "1"}],
)  # fmt: skip
def test_other_tables_are_not(fields: dict[str, Any]) -> None:
    assert chat_shapes.detect([Row(1, fields)] * 3) is None


def test_a_minority_of_odd_rows_does_not_hide_the_shape() -> None:
    good, odd = Row(1, {"messages": CHAT}), Row(2, {"text": "x"})
    assert chat_shapes.detect([good, good, odd]) == "messages"
    assert chat_shapes.detect([good, odd, odd]) is None


def test_values_that_are_not_text_are_left_for_the_check() -> None:
    made = CHAT_SHAPES.get("question_answer").shaped({"question": 7, "answer": [1, 2]}).messages
    assert made == [{"role": "user", "content": "7"}, {"role": "assistant", "content": [1, 2]}]
    made = CHAT_SHAPES.get("sharegpt").shaped({"conversations": [{"from": "alien", "value": None}]}).messages
    assert made == [{"role": "alien", "content": None}]
