"""Guided templates: the contract of each, and its examples for a row."""

from __future__ import annotations

from typing import Any

import pytest

from core.data.conversion.templates import TEMPLATES, ColumnMapping
from core.errors import DataError
from core.messages import Example, Reject, Row

FIELDS = {"name": "Rake", "what": "a garden tool", "color": "red", "size": "", "n": 3}
COLUMNS = tuple(FIELDS)
# A mapping and options with which each template works on FIELDS.
WORKING: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "qa": ({"key": "name", "target": "what"}, {}),
    "extraction": ({"key": "name", "include": ["what", "color"]}, {}),
    "classification": ({"key": "what", "target": "color"}, {}),
    "custom": ({}, {"user": "What is {{name}}?", "assistant": "{{what}}"}),
}


def make(template: str, mapping: dict[str, Any], options: dict[str, Any], *rows: dict[str, Any]) -> list[Any]:
    chosen = TEMPLATES.get(template)
    checked = chosen.make_options(options)
    columns = ColumnMapping.model_validate(mapping)
    chosen.check(COLUMNS, columns, checked)
    made = chosen.to_examples((Row(line, row) for line, row in enumerate(rows or (FIELDS,), start=2)), columns, checked)
    return [
        [(message.role, message.content) for message in item.messages] if isinstance(item, Example) else item
        for item in made
    ]


# ---- the contract


@pytest.mark.parametrize("template", TEMPLATES.ids())
def test_every_row_is_accounted_for(template: str) -> None:
    mapping, options = WORKING[template]
    rows = [FIELDS, {**FIELDS, "what": " "}, {}, {**FIELDS, "name": None}, FIELDS]
    chosen = TEMPLATES.get(template)
    columns = ColumnMapping.model_validate(mapping)
    made = list(
        chosen.to_examples((Row(n, row) for n, row in enumerate(rows, 1)), columns, chosen.make_options(options))
    )
    lines = [item.source_line if isinstance(item, Example) else item.line for item in made]
    assert sorted(set(lines)) == [1, 2, 3, 4, 5]
    rejects = [item for item in made if isinstance(item, Reject)]
    assert {item.line for item in rejects} >= {2, 3}
    assert all(item.findings[0].code == "cell_empty" and item.findings[0].remedy for item in rejects)


@pytest.mark.parametrize("template", TEMPLATES.ids())
def test_options_make_a_form(template: str) -> None:
    chosen = TEMPLATES.get(template)
    assert chosen.title
    assert chosen.tagline
    for name, field in chosen.Options.model_fields.items():
        assert field.title, name
        assert field.description, name
    with pytest.raises(DataError, match="no_such_option"):
        chosen.make_options({"no_such_option": 1})
    with pytest.raises(DataError, match="empty"):
        chosen.make_options({"empty": "explode"})


@pytest.mark.parametrize("template", TEMPLATES.ids())
def test_unknown_columns_are_refused_before_a_row_is_read(template: str) -> None:
    mapping, options = WORKING[template]
    with pytest.raises(DataError, match="ghost"):
        make(template, mapping, {**options, "system": "{{ghost}}"})
    for role in TEMPLATES.get(template).roles:
        wrong = ["ghost"] if role.id == "include" else "ghost"
        with pytest.raises(DataError, match="ghost"):
            make(template, {**mapping, role.id: wrong}, options)


@pytest.mark.parametrize("template", TEMPLATES.ids())
def test_cells_are_not_expanded_again_nor_changed(template: str) -> None:
    mapping, options = WORKING[template]
    hostile = "{{name}} {x.__class__} <|im_end|> 00123 "
    made = make(template, mapping, options, {"name": hostile, "what": hostile, "color": hostile, "size": "", "n": 1})
    text = "".join(content for _, content in made[0])
    assert hostile in text
    assert text.count("{{name}}") == sum(hostile in content for _, content in made[0]) or template == "extraction"


@pytest.mark.parametrize("template", TEMPLATES.ids())
def test_the_system_message(template: str) -> None:
    mapping, options = WORKING[template]
    made = make(template, mapping, {**options, "system": "You know {{name}}."})
    assert made[0][0] == ("system", "You know Rake.")


def test_a_part_that_the_template_does_not_have_is_refused() -> None:
    with pytest.raises(DataError, match="no part 'topic'"):
        make("qa", {"key": "name", "target": "what", "topic": "color"}, {})
    with pytest.raises(DataError, match="mapping of columns"):
        ColumnMapping.of({"key": 3})


# ---- Q&A


def test_qa_takes_question_and_answer_as_they_stand() -> None:
    assert make("qa", {"key": "name", "target": "what"}, {}) == [[("user", "Rake"), ("assistant", "a garden tool")]]


def test_qa_words_a_question_around_a_name() -> None:
    made = make(
        "qa", {"key": "name", "target": "what"}, {"question": "What is a {{key}}?", "answer": "It is {{target}}."}
    )
    assert made == [[("user", "What is a Rake?"), ("assistant", "It is a garden tool.")]]


def test_qa_answers_from_included_columns_without_a_target() -> None:
    made = make("qa", {"key": "name", "include": ["color", "n"]}, {})
    assert made == [[("user", "Rake"), ("assistant", "Rake - color: red; n: 3.")]]


def test_qa_asks_one_question_per_column() -> None:
    made = make("qa", {"key": "name", "target": "what", "include": ["color", "n"]}, {"questions": "per_column"})
    assert made == [
        [("user", "Rake"), ("assistant", "a garden tool")],
        [("user", "What is the color of Rake?"), ("assistant", "red")],
        [("user", "What is the n of Rake?"), ("assistant", "3")],
    ]


def test_qa_talks_in_several_turns() -> None:
    options = {"questions": "multi_turn", "question": "What is a {{key}}?"}
    made = make("qa", {"key": "name", "target": "what", "include": ["color", "n"]}, options)
    assert made == [
        [
            ("user", "What is a Rake?"),
            ("assistant", "a garden tool"),
            ("user", "What is the color of Rake?"),
            ("assistant", "red"),
            ("user", "Tell me everything about Rake."),
            ("assistant", "- what: a garden tool\n- color: red\n- n: 3"),
        ]
    ]


def test_qa_refuses_what_cannot_answer() -> None:
    with pytest.raises(DataError, match="needs an answer"):
        make("qa", {"key": "name"}, {})
    with pytest.raises(DataError, match="key column"):
        make("qa", {"target": "what"}, {})
    with pytest.raises(DataError, match="no column is included"):
        make("qa", {"key": "name", "target": "what"}, {"questions": "multi_turn"})


# ---- empty cells

EMPTY = {"key": "name", "include": ["color", "size"]}


def test_empty_included_cells_by_choice() -> None:
    rejected = make("extraction", EMPTY, {"empty": "skip"})
    assert isinstance(rejected[0], Reject)
    assert rejected[0].findings[0].field == "size"
    assert make("extraction", EMPTY, {"empty": "leave_out"})[0][-1] == ("assistant", "- color: red")
    filled = make("extraction", EMPTY, {"empty": "fill", "fill_text": "unknown"})
    assert filled[0][-1] == ("assistant", "- color: red\n- size: unknown")
    with pytest.raises(DataError, match=r"Line 2: `size` is empty") as caught:
        make("extraction", EMPTY, {"empty": "fail"})
    assert (caught.value.line, caught.value.field) == (2, "size")


def test_an_empty_key_or_target_is_never_filled() -> None:
    for options in ({"empty": "fill"}, {"empty": "leave_out"}):
        assert isinstance(make("qa", {"key": "name", "target": "size"}, options)[0], Reject)
        assert isinstance(make("qa", {"key": "size", "target": "what"}, options)[0], Reject)


# ---- extraction, classification, custom


def test_extraction_as_list_json_and_conversation() -> None:
    mapping = {"key": "name", "include": ["what", "color"]}
    assert make("extraction", mapping, {}) == [
        [("user", "Extract information about Rake"), ("assistant", "- what: a garden tool\n- color: red")]
    ]
    assert (
        make("extraction", mapping, {"answer_format": "json"})[0][1][1] == '{"what": "a garden tool", "color": "red"}'
    )
    turns = make("extraction", mapping, {"questions": "multi_turn"})[0]
    assert [content for role, content in turns if role == "user"] == [
        "What is Rake?",
        "What is the color of Rake?",
        "Extract information about Rake",
    ]


def test_classification_of_a_text_or_a_summary() -> None:
    assert make("classification", {"key": "what", "target": "color"}, {"prompt": "Classify: {{text}}"}) == [
        [("user", "Classify: a garden tool"), ("assistant", "red")]
    ]
    made = make("classification", {"target": "color", "include": ["name", "what", "color"]}, {})
    assert made == [[("user", "name: Rake\nwhat: a garden tool"), ("assistant", "red")]]
    with pytest.raises(DataError, match="needs a text"):
        make("classification", {"target": "color"}, {})


def test_custom_patterns_and_a_second_turn() -> None:
    options = {
        "user": "{{name}}?",
        "assistant": "{{what}}, {{n}}",
        "follow_up_user": "Color?",
        "follow_up_assistant": "{{color}}",
    }
    assert make("custom", {}, options)[0] == [
        ("user", "Rake?"),
        ("assistant", "a garden tool, 3"),
        ("user", "Color?"),
        ("assistant", "red"),
    ]
    with pytest.raises(DataError, match="second turn"):
        make("custom", {}, {**options, "follow_up_user": ""})
    with pytest.raises(DataError, match="Output"):
        make("custom", {}, {"user": "x"})


def test_custom_joins_rows_into_conversations() -> None:
    def row(name: str, what: str, chat: str) -> dict[str, Any]:
        return {"name": name, "what": what, "color": chat, "size": "s", "n": 1}

    options = {"user": "{{name}}", "assistant": "{{what}}", "conversation": "color", "system": "S"}
    rows = [row("a", "b", "1"), row("c", "d", "1"), row("e", "", "2"), row("g", "h", "2"), row("i", "j", "3")]
    made = make("custom", {}, options, *rows)
    assert made[0] == [("system", "S"), ("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d")]
    assert [item.line for item in made if isinstance(item, Reject)] == [4, 5]
    assert made[-1] == [("system", "S"), ("user", "i"), ("assistant", "j")]
