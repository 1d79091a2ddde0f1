"""Suggestions against what a person would choose, on real-looking tables of many languages and domains.

Each table of `analyst_tables/*.txt` begins with a line `=== file | template | key | target or included columns`; a
second choice that is as good follows after `||`. "flatten" after the name: nested fields become columns. "personal":
a suggestion with these columns needs a warning.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from core.data import formats
from core.data.chat_logs import Bundle, recognize
from core.data.conversion.analysis import Analysis, analyze, analyze_batches, first_choice, warnings
from core.data.conversion.templates import TEMPLATES, ColumnMapping
from core.messages import Row
from core.services.data import sources

TABLES = Path(__file__).parent / "analyst_tables"


@dataclass(frozen=True)
class Table:
    """A table with the choices that a person would make."""

    filename: str
    flags: tuple[str, ...]
    choices: tuple[str, ...]
    content: str

    def analyze(self, folder: Path) -> Analysis:
        path = folder / self.filename
        path.write_text(self.content, encoding="utf-8")
        overrides = {"nested": "flatten"} if "flatten" in self.flags else None
        return analyze_batches(formats.read_batches(path, formats.detect_file(path, path.name, overrides)))


def tables(name: str) -> Iterator[Table]:
    text = (TABLES / name).read_text(encoding="utf-8")
    for block in re.split(r"(?m)^=== ", text)[1:]:
        head, _, content = block.partition("\n")
        first, _, choices = head.partition(" | ")
        filename, *flags = first.split()
        yield Table(filename, tuple(flags), tuple(choice.strip() for choice in choices.split("||")), content)


def suggested(analysis: Analysis) -> str:
    """The suggestion in the notation of the tables."""
    if analysis.suggestion is None:
        return "none"
    mapping = analysis.suggestion.mapping
    second = mapping.target or ", ".join(mapping.include)
    return f"{analysis.suggestion.template} | {mapping.key} | {second}"


def misses(name: str, folder: Path) -> tuple[int, list[str]]:
    """How many tables there are, and those with another suggestion than a person's."""
    found, listed = [], list(tables(name))
    for table in listed:
        analysis = table.analyze(folder)
        made = suggested(analysis)
        if not any(choice in ("any", made) for choice in table.choices):
            found.append(f"{table.filename}: {made}; a person would choose {' or '.join(table.choices)}")
    return len(listed), found


def test_at_least_36_of_40_suggestions_are_what_a_person_would_choose(tmp_path: Path) -> None:
    count, found = misses("forty.txt", tmp_path)
    print(*found, sep="\n")
    assert count == 40
    assert len(found) <= 4, "\n".join(found)


def test_at_least_17_of_20_further_ones_too(tmp_path: Path) -> None:
    """They were written after the rules; 17 were right at the first run."""
    count, found = misses("twenty.txt", tmp_path)
    print(*found, sep="\n")
    assert count == 20
    assert len(found) <= 3, "\n".join(found)


def all_tables() -> list[Table]:
    return [*tables("forty.txt"), *tables("twenty.txt")]


@pytest.mark.parametrize("table", all_tables(), ids=lambda table: table.filename)
def test_every_suggestion_can_be_converted_and_says_why(table: Table, tmp_path: Path) -> None:
    analysis = table.analyze(tmp_path)
    suggestion = analysis.suggestion
    assert suggestion is not None
    assert suggestion.reason.endswith(".")
    assert f"`{suggestion.mapping.key}`" in suggestion.reason
    template = TEMPLATES.get(suggestion.template)
    template.check(
        [column.name for column in analysis.columns], suggestion.mapping, template.make_options(suggestion.options)
    )
    assert Analysis.from_dict(json.loads(json.dumps(analysis.to_dict()))) == analysis


@pytest.mark.parametrize("table", all_tables(), ids=lambda table: table.filename)
def test_personal_data_is_never_used_without_a_warning(table: Table, tmp_path: Path) -> None:
    analysis = table.analyze(tmp_path)
    suggestion = analysis.suggestion
    assert suggestion is not None
    used = {suggestion.mapping.key, suggestion.mapping.target, *suggestion.mapping.include} - {None}
    found = warnings(analysis, suggestion.template, suggestion.mapping, suggestion.options)
    assert {item.field for item in found} >= {column.name for column in analysis.columns if column.is_personal} & used
    assert bool(found) == ("personal" in table.flags)


def columns_of(**cells: list[str]) -> Analysis:
    length = max(map(len, cells.values()))
    return analyze(
        [Row(n + 2, {name: values[n % len(values)] for name, values in cells.items()}) for n in range(length)]
    )


WORDS = [f"the delivery number {n} came late and wet" for n in range(24)]


@pytest.mark.parametrize(
    ("labels", "system"),
    [
        (["Oak", "Steel", "Glass"], "Classify the message as one of: Oak, Steel, Glass."),
        (["one, two", "three"], "Classify the message as one of: one, two; three."),
        (["10", "2", "1"], "Classify the message by kind as one of: 1, 2, 10."),
        (["yes", "no"], "Classify the message by kind as one of: yes, no."),
        (["{{x}}", "y"], "Classify the message. Answer with its label only."),
    ],
)
def test_classification_proposes_the_task_and_its_labels(labels: list[str], system: str) -> None:
    suggestion = columns_of(body=WORDS, kind=labels).suggestion
    assert suggestion is not None
    assert (suggestion.template, suggestion.options) == ("classification", {"system": system})


def test_many_labels_are_counted_not_listed() -> None:
    suggestion = columns_of(
        body=[f"{WORDS[0]} {n}" for n in range(240)], topic=[f"topic {n}" for n in range(80)]
    ).suggestion
    assert suggestion is not None
    assert suggestion.options["system"] == (
        "Classify the message. Answer with one of 80 labels, such as topic 0, topic 1, topic 2."
    )


def test_email_addresses_and_names_inside_texts_are_counted() -> None:
    texts = [f"Please write to ann{n}@example.com, thank you" if n % 4 == 0 else WORDS[n] for n in range(24)]
    analysis = columns_of(message=texts, team=["a", "b"])
    suggestion = analysis.suggestion
    assert suggestion is not None
    (found,) = warnings(analysis, suggestion.template, suggestion.mapping, suggestion.options)
    assert (found.code, found.field) == ("personal_data", "message")
    assert found.message == "`message`: E-mail address in 6 of 24 cells."


def test_a_pattern_with_a_column_of_names_warns_too() -> None:
    analysis = columns_of(who=["Maria Lopez", "John Smith", "Emily Chen"] * 8, body=WORDS)
    options = {"user": "{{who}} asks", "assistant": "{{body}}"}
    (found,) = warnings(analysis, "custom", ColumnMapping(), options)
    assert found.message == "`who`: names of people in 24 of 24 cells."


def test_questions_and_answers_inside_of_nested_fields_are_suggested_as_columns() -> None:
    def fields(n: int) -> dict[str, object]:
        inner = {"frage": f"Wo liegt Band {n}?", "antwort": f"In Regal {n}."}
        return {"nr": n, "meta": {"aufrufe": n * 7}, "inhalt": inner}

    analysis = analyze(Row(n, fields(n)) for n in range(1, 13))
    assert analysis.shape is None
    assert suggested(replace(analysis, suggestion=analysis.flattened)) == "qa | inhalt.frage | inhalt.antwort"
    assert analysis.best == analysis.flattened
    assert Analysis.from_dict(json.loads(json.dumps(analysis.to_dict()))) == analysis
    assert " --nested flatten --template qa --input inhalt.frage" in sources.convert_command("a.jsonl", analysis)


def test_nested_fields_that_add_nothing_are_left_as_they_are() -> None:
    rows = [Row(n, {"body": text, "mood": ["glad", "sad"][n % 2], "geo": {"x": n}}) for n, text in enumerate(WORDS)]
    assert analyze(rows).flattened is None


def test_columns_that_are_all_alike_and_ids_of_several_rows_are_left_aside() -> None:
    tickets, prompts = [f"T-{1000 + n // 3}" for n in range(24)], [f"Tell me {text}" for text in WORDS]
    analysis = columns_of(ticket=tickets, prompt=prompts, note=["n"], reply=[f"A{n}" for n in range(24)])
    assert suggested(analysis) == "qa | prompt | reply"


def test_texts_without_an_output_are_said_to_have_none() -> None:
    people = ["Maria Lopez", "John Smith", "Emily Chen"]
    mails = [f"someone{n}@example.com" for n in range(24)]
    analysis = columns_of(name=people, email=mails, body=WORDS, sent=["2025-01-02", "2025-01-03"])
    assert analysis.suggestion is not None
    assert suggested(analysis) == "custom | body | "
    assert "smart mode" in analysis.suggestion.reason
    assert analysis.suggestion.options == {"user": "{{body}}"}


def test_the_answer_inside_of_an_object_is_found_by_the_name_around_it() -> None:
    def fields(n: int) -> dict[str, object]:
        answer = {"author": ["kim", "lee", "pat"][n % 3] + str(n), "text": f"Do this and that {n}."}
        return {"title": f"Case {n}", "post": WORDS[n], "accepted_answer": answer}

    analysis = analyze(Row(n, fields(n)) for n in range(24))
    assert analysis.best is not None
    assert (analysis.best.template, analysis.best.mapping.key) == ("qa", "post")
    assert analysis.best.mapping.target == "accepted_answer.text"


def test_long_names_of_columns_stay_out_of_the_system_message() -> None:
    long = "How do you rate the\ncourse, all in all, from 1 to 5? " * 3
    rows = [Row(n, {"comment": text, long: n % 5}) for n, text in enumerate(WORDS)]
    suggestion = analyze(rows).suggestion
    assert suggestion is not None
    assert suggestion.options == {"system": "Classify the comment as one of: 0, 1, 2, 3, 4."}
    names = {f"{long} {n}": f"thing {n}" for n in range(8)}
    facts = analyze([Row(n, {"name": f"item {'abcdefgh'[n]}", **names}) for n in range(8)])
    assert first_choice(facts, "extraction").options == {}


@pytest.mark.parametrize("table", all_tables(), ids=lambda table: table.filename)
def test_a_table_of_anything_else_is_not_taken_for_a_chat_log(table: Table, tmp_path: Path) -> None:
    path = tmp_path / table.filename
    path.write_text(table.content, encoding="utf-8")
    bundle = Bundle(path, table.filename)
    found = recognize(bundle)
    assert not found.is_sure(bundle)
