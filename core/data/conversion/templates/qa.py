"""Q&A: the key column asks, the target column (or a sentence from the included columns) answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from core.data.conversion.guessing import ColumnGuess
from core.data.conversion.patterns import Pattern
from core.data.conversion.templates.base import Cells, Template, TemplateOptions, Turn, list_text, others
from core.data.conversion.templates.mapping import ColumnMapping, RoleSpec, TemplateSuggestion
from core.errors import DataError

# What the model is asked to do, as the system message of each kind of pair.
_TASKS = {
    "questions": "Answer the question.",
    "messages": "Reply to the message.",
    "terms": "Describe what is named.",
    "summary": "Summarize the text.",
}


class QaOptions(TemplateOptions):
    """How questions and answers are worded, and how many each row yields."""

    question: str = Field(
        "{{key}}", title="Question",
        description="The key column itself, or, if it has names, a pattern such as: What is {{key}}?", min_length=1,
    )  # fmt: skip
    answer: str = Field(
        "", title="Answer",
        description="A pattern with {{column}}. Leave empty to use the target column or, without one, a sentence from "
        "the included columns.",
    )  # fmt: skip
    questions: Literal["one", "per_column", "multi_turn"] = Field(
        "one",
        title="Questions per row",
        description="one: a single pair. per_column: one more pair for each included column. multi_turn: one "
        "conversation: what the key is, one attribute of it, everything about it.",
        json_schema_extra={
            "labels": {"one": "One pair", "per_column": "One per column", "multi_turn": "One conversation (multi-turn)"}
        },
    )
    attribute_question: str = Field(
        "What is the {{column}} of {{key}}?", title="Question about a column",
        description="For per_column and multi_turn; {{column}} is the column's name.", min_length=1,
        json_schema_extra={"when": {"questions": ["per_column", "multi_turn"]}},
    )  # fmt: skip
    everything_question: str = Field(
        "Tell me everything about {{key}}.", title="Question about everything",
        description="With multi_turn: the last turn to use.", min_length=1,
        json_schema_extra={"when": {"questions": ["multi_turn"]}},
    )  # fmt: skip


class QaTemplate(Template[QaOptions]):
    """One question and its answer per row, or several."""

    id = "qa"
    title = "Q&A"
    icon = "quiz"
    tagline = "A question in one column, its answer in another."
    roles = (
        RoleSpec("key", "Key column", "The question, or the name of what it is about.", True),
        RoleSpec("target", "Target column", "The answer; without one, the included columns answer.", False),
        RoleSpec("include", "Columns to include", "Attributes to ask about or answer with.", False, several=True),
    )
    Options = QaOptions
    special_names = {  # noqa: RUF012  overridden once per class, never changed
        "question": ("key",),
        "answer": ("key", "target"),
        "attribute_question": ("key", "column"),
        "everything_question": ("key",),
    }

    def suggest(self, guess: ColumnGuess) -> TemplateSuggestion | None:
        pair = guess.pair
        if pair is None:
            return None
        mapping = ColumnMapping(key=pair.key.name, target=pair.target.name)
        return TemplateSuggestion(self.id, mapping, pair.why, pair.score, self.wording(guess, mapping))

    def first_mapping(self, guess: ColumnGuess) -> ColumnMapping:
        key, target = guess.key, guess.target
        include = () if target else guess.others(key)
        return ColumnMapping(key=key and key.name, target=target and target.name, include=include)

    def wording(self, guess: ColumnGuess, mapping: ColumnMapping) -> dict[str, Any]:
        pair = guess.pair
        if pair is None or (pair.key.name, pair.target.name) != (mapping.key, mapping.target):
            return {}
        if pair.kind == "translation":
            return {"system": f"Translate from {pair.languages[0]} to {pair.languages[1]}."}
        return {"system": _TASKS[pair.kind]} if pair.kind in _TASKS else {}

    def check(self, columns: Sequence[str], mapping: ColumnMapping, options: QaOptions) -> None:
        super().check(columns, mapping, options)
        if not mapping.target and not options.answer and not others(mapping):
            raise DataError("Q&A needs an answer.", "Choose a target column, or choose columns to include.")
        if options.questions != "one" and not others(mapping):
            text = f"Questions per row is {options.questions!r}, but no column is included."
            raise DataError(text, "Choose columns to include.")

    def concatenates(self, options: QaOptions) -> bool:
        return True

    def turns(
        self, cells: Cells, mapping: ColumnMapping, options: QaOptions, patterns: Mapping[str, Pattern]
    ) -> list[list[Turn]]:
        assert mapping.key is not None
        key = cells.need(mapping.key)
        first = (cells.fill(patterns["question"], key=key), self._answer(cells, mapping, options, patterns, key))
        if options.questions == "one":
            return [[first]]
        pairs = cells.included(others(mapping))
        about = [(cells.fill(patterns["attribute_question"], key=key, column=name), text) for name, text in pairs]
        if options.questions == "per_column":
            # Without a target the first answer would only repeat the attributes.
            lead = [[first]] if mapping.target or options.answer else []
            return [*lead, *([turn] for turn in about)]
        known = [(mapping.target, first[1]), *pairs] if mapping.target else pairs
        everything = (cells.fill(patterns["everything_question"], key=key), list_text(known))
        return [[first, about[0], everything]]

    def _answer(
        self, cells: Cells, mapping: ColumnMapping, options: QaOptions, patterns: Mapping[str, Pattern], key: str
    ) -> str:
        target = cells.need(mapping.target) if mapping.target else ""
        if options.answer:
            return cells.fill(patterns["answer"], key=key, target=target)
        if mapping.target:
            return target
        facts = "; ".join(f"{name}: {text}" for name, text in cells.included(others(mapping)))
        return f"{key} - {facts}."
