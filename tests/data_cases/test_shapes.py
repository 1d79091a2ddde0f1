"""Rows as data sets and providers write them are recognized, and nothing in them is lost or misread."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from core.data import formats
from core.data.conversion import chat_shapes
from core.data.conversion.labeling import Labeled, Labeler, Recipe
from core.messages import Example, Reject, Row

Q, A = {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}

# A row, its shape, and the example that it becomes, as `shown` writes it.
CASES = [json.loads(line) for line in Path(__file__).with_name("shapes.jsonl").read_text("utf-8").splitlines()]


def shown(example: Example) -> str:
    """`u:q a:text+f{}` with the weight after the text, and `-` in front of a rejected answer."""
    parts = []
    for message in example.messages:
        calls = "".join(f"+{call['function']['name']}{call['function']['arguments']}" for call in message.tool_calls)
        weight = "" if message.weight is None else str(message.weight)
        parts.append(f"{message.role[0]}:{message.content}{weight}{calls}")
    return " ".join([*parts, *(f"-{message.content}" for message in example.rejected)])


def label(fields: dict[str, Any], **options: str) -> tuple[str | None, list[Labeled | Reject]]:
    shape = chat_shapes.detect([Row(number, fields) for number in range(1, 4)])
    recipe = Recipe.of({"shape": shape, "options": options})
    return shape, list(Labeler(recipe, "file").run([Row(1, fields)])) if shape else []


@pytest.mark.parametrize("case", CASES, ids=[f"{case['shape']}-{number}" for number, case in enumerate(CASES)])
def test_rows_are_recognized_and_become_examples(case: dict[str, Any]) -> None:
    found, made = label(case["row"])
    assert found == case["shape"]
    expected = case["example"]
    assert [shown(item.example) for item in made if isinstance(item, Labeled)] == [expected]
    example = next(item.example for item in made if isinstance(item, Labeled))
    assert all(call["id"] for message in example.messages for call in message.tool_calls)
    if "+f" in expected:
        assert [tool["function"]["name"] for tool in example.tools] == ["f"]


TABLES: list[dict[str, Any]] = [
    {"user": "anna", "request": "GET", "response": "200"},
    {"source": "n1", "target": "n2", "weight": 1},
    {"inputs": 3.5, "target": 1},
    {"text": "A sentence with a class.", "label": "good"},
    {"id": 1, "items": [{"name": "rake", "qty": 2}]},
    {"title": "t", "items": [{"author": "Ann", "text": "nice one"}]},
    {"Frage": "Was ist das?", "Antwort": "Ein Ding"},
    {"id": "A1", "no": "77", "is": "x"},
    {"id": 1, "parent_id": 0, "text": "hello there", "author": "Ann"},
    {"name": "x", "description": "a long text of it", "price": 3, "rating": 4.5},
    {"chat": "hello", "time": "x"},
    {"name": "x", "data": ["a tag", "b tag"]},
    {"text": "Some prose: it has a colon. Another sentence: so does this."},
    {"id": 1, "answer_a": "x", "answer_b": "y", "answer_c": "z", "label": "a"},
    {"text_a": "It rains.", "text_b": "Rain falls.", "label": 1},
    {"city_a": "Ulm", "city_b": "Bonn", "winner": "a"},
    {"premise": "It rains today.", "hypothesis": "It is wet.", "label": 1},
]


@pytest.mark.parametrize("fields", TABLES)
def test_ordinary_tables_are_left_to_the_wizard(fields: dict[str, Any]) -> None:
    assert chat_shapes.detect([Row(number, fields) for number in range(1, 4)]) is None


def test_bad_answers_are_never_learned() -> None:
    rows = [{"prompt": f"q{n}", "completion": f"a{n}", "label": n % 3 > 0} for n in range(9)]
    assert chat_shapes.detect([Row(1, row) for row in rows]) == "rated"
    made = list(Labeler(Recipe(shape="rated"), "").run(Row(n, row) for n, row in enumerate(rows, 1)))
    assert [item.findings[0].code for item in made if isinstance(item, Reject)] == ["rated_bad"] * 3
    assert len(made) == 9


@pytest.mark.parametrize(
    ("winner", "ties", "expected"),
    [
        ("tie", "leave_out", "no_winner"),
        ("tie", "first", "u:q a:a"),
        ("tie (bothbad)", "first", "no_winner"),
        ("model_c", "first", "no_winner"),
    ],
)
def test_a_tie_is_not_a_preference_pair(winner: str, ties: str, expected: str) -> None:
    row = {"prompt": "q", "response_a": "a", "response_b": "b", "winner": "model_a"}
    recipe = Recipe.of({"shape": "judged", "options": {"ties": ties}})
    (made,) = Labeler(recipe, "file").run([Row(1, row | {"winner": winner})])
    if isinstance(made, Labeled):
        assert shown(made.example) == expected
    else:
        assert [item.code for item in made.findings] == [expected]


def test_a_rating_is_used_from_the_chosen_lowest_on() -> None:
    rows = [{"question": f"q {n}", "answer": f"a {n}", "score": n} for n in range(1, 6)]
    assert chat_shapes.detect([Row(1, row) for row in rows]) == "rated_score"
    numbered = [Row(n, row) for n, row in enumerate(rows, 1)]
    recipe = Recipe.of({"shape": "rated_score", "options": {"threshold": "4"}})
    made = list(Labeler(recipe, "").run(numbered))
    assert [isinstance(item, Labeled) for item in made] == [False, False, False, True, True]
    assert all(isinstance(item, Labeled) for item in Labeler(Recipe(shape="rated_score"), "").run(numbered))


def test_images_are_refused_or_their_text_is_kept() -> None:
    picture = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    fields = {"messages": [{"role": "user", "content": [{"type": "text", "text": "q"}, picture, picture]}, A]}
    _, (refused,) = label(fields)
    assert isinstance(refused, Reject)
    assert [item.code for item in refused.findings] == ["media_refused"]
    assert "2 image" in refused.findings[0].message
    _, (kept,) = label(fields, images="keep_text")
    assert isinstance(kept, Labeled)
    assert shown(kept.example) == "u:q a:a"
    assert [item.code for item in kept.findings] == ["media_removed"]


def test_the_direction_of_a_translation_is_chosen() -> None:
    _, (made,) = label({"translation": {"en": "Hello", "de": "Hallo"}}, direction="de-en")
    assert isinstance(made, Labeled)
    assert shown(made.example) == "u:Translate from German to English:\n\nHallo a:Hello"


def test_a_tree_in_rows_gives_an_example_for_each_path_and_teaches_each_answer_once() -> None:
    def node(number: str, parent: str | None, role: str) -> dict[str, Any]:
        return {"message_id": number, "parent_id": parent, "role": role, "text": f"t{number}", "lang": "en"}

    rows = [node("1", None, "prompter"), node("2", "1", "assistant"), node("3", "2", "prompter"),
            node("4", "3", "assistant"), node("5", "3", "assistant"), node("6", "2", "prompter"),
            node("7", "none", "assistant")]  # fmt: skip
    numbered = [Row(n, row) for n, row in enumerate(rows, 1)]
    assert chat_shapes.detect(numbered) == "tree_rows"
    labeler = Labeler(Recipe(shape="tree_rows"), "")
    made = list(labeler.run(numbered))
    assert [shown(item.example) for item in made if isinstance(item, Labeled)] == [
        "u:t1 a:t2 u:t3 a:t4", "u:t1 a:t20 u:t3 a:t5",
    ]  # fmt: skip
    assert [(item.line, item.findings[0].code) for item in made if isinstance(item, Reject)] == [
        (6, "branch_unused"), (7, "branch_unused"),
    ]  # fmt: skip
    assert (labeler.read, labeler.accepted, labeler.rejected) == (7, 5, 2)


def test_what_is_the_same_for_all_rows_is_said_once() -> None:
    rows = [Row(n, {"messages": [{"role": "developer", "content": "s"}, Q, A]}) for n in range(1, 5)]
    made = list(Labeler(Recipe(shape="messages"), "").run(rows))
    assert [item.code for one in made for item in one.findings] == ["role_developer"]


FILES = {
    "kto_trl": "rated", "dpo_prompt": "preference", "dpo_msgs": "preference", "openai_dpo": "openai_preference",
    "dolly": "passage", "squad": "squad", "claude_bedrock": "messages", "developer_role": "messages",
    "content_parts": "messages", "vision_openai": "messages", "together_tool": "messages", "xlam": "function_calls",
    "sharegpt_items": "sharegpt_items", "openorca": "pair", "history": "alpaca", "translation": "translation",
    "sharegpt_function_call": "sharegpt", "split_column": "alpaca", "text_only": None,
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_the_files_of_these_kinds(name: str, real_data: Path) -> None:
    path = next((real_data / "cases").glob(f"{name}.json*"))
    rows = [row for row in formats.read(path, formats.detect_file(path)) if isinstance(row, Row)]
    assert chat_shapes.detect(rows) == FILES[name]
