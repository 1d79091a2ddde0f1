"""An empty thinking block is not part of an answer, however the pieces of a stream are cut."""

from __future__ import annotations

import pytest

from core.models.thinking import EmptyBlockFilter, without_empty_block, without_thinking

SHOWN = {
    "<think>\n\n</think>\n\nIt is there.": "It is there.",
    "\n<think></think>It is there.": "It is there.",
    "</think>\n\nIt is there.": "It is there.",  # the template wrote the opening
    "<think>\nA river.\n</think>\n\nIt is there.": "<think>\nA river.\n</think>\n\nIt is there.",
    "It is <think></think> there.": "It is <think></think> there.",
    "<thin air": "<thin air",
    "<think>": "<think>",
    "<think>\n\n</think>\n\n": "",
    "": "",
}


@pytest.mark.parametrize(("text", "shown"), SHOWN.items())
def test_an_empty_block_is_left_out(text: str, shown: str) -> None:
    assert without_empty_block(text) == shown
    for size in (1, 2, 5, 100):
        stream = EmptyBlockFilter()
        pieces = [stream.add(text[start : start + size]) for start in range(0, len(text), size)]
        assert "".join(pieces) + stream.rest() == shown


def test_an_answer_is_shown_as_soon_as_it_has_begun() -> None:
    stream = EmptyBlockFilter()
    assert [stream.add(piece) for piece in ("<think>", "\n", "</think>", "\n\n", "It", " is")] == [
        *[""] * 4,
        "It",
        " is",
    ]
    assert EmptyBlockFilter().add("It") == "It"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("<think>\nA river.\n</think>\n\nIt is there.", "\n\nIt is there."),
        ("A river.\n</think>\n\nIt is there.", "\n\nIt is there."),
        ("<think>\nA river that", ""),
        ("It is there.", "It is there."),
        ("Write <think> and </think>.", "Write <think> and </think>."),
    ],
)
def test_the_answer_alone(text: str, answer: str) -> None:
    assert without_thinking(text) == answer
