"""Information extraction: "Extract information about <key>", answered by a list of the included columns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from core.data.conversion.guessing import ColumnGuess
from core.data.conversion.patterns import Pattern
from core.data.conversion.templates.base import Cells, Template, TemplateOptions, Turn, list_text, others
from core.data.conversion.templates.mapping import ColumnMapping, RoleSpec, TemplateSuggestion

_MAX_CHARACTERS = 600  # of the names of columns in a system message


class ExtractionOptions(TemplateOptions):
    """How the request is worded and how the answer is written."""

    instruction: str = Field(
        "Extract information about {{key}}", title="Request",
        description="What the user asks; may contain {{key}} and {{column}}, such as a text to extract from.",
        min_length=1, json_schema_extra={"multiline": True},
    )  # fmt: skip
    answer_format: Literal["list", "json"] = Field(
        "list", title="Answer as", description='list: lines such as "- color: red". json: one JSON object of texts.',
        json_schema_extra={"labels": {"list": "A list", "json": "JSON"}},
    )  # fmt: skip
    questions: Literal["one", "multi_turn"] = Field(
        "one", title="Turns",
        description="one: the request and its answer. multi_turn: what the key is, one attribute of it, everything "
        "about it.",
        json_schema_extra={"labels": {"one": "One", "multi_turn": "Three (multi-turn)"}},
    )  # fmt: skip
    what_question: str = Field(
        "What is {{key}}?", title="First question", description="The first turn of multi_turn.", min_length=1,
        json_schema_extra={"when": {"questions": ["multi_turn"]}},
    )  # fmt: skip
    attribute_question: str = Field(
        "What is the {{column}} of {{key}}?", title="Question about a column",
        description="The second turn of multi_turn; {{column}} is the column's name.", min_length=1,
        json_schema_extra={"when": {"questions": ["multi_turn"]}},
    )  # fmt: skip


class ExtractionTemplate(Template[ExtractionOptions]):
    """The information in a row about its key, as a list or as JSON."""

    id = "extraction"
    title = "Information extraction"
    icon = "data_object"
    tagline = "Everything a row says about its key, as a list or as JSON."
    roles = (
        RoleSpec("key", "Key column", "What the information is about.", True),
        RoleSpec("include", "Columns to include", "The information.", True, several=True),
        RoleSpec("target", "Target column", "What the key is, for the first turn of multi-turn.", False),
    )
    Options = ExtractionOptions
    special_names = {  # noqa: RUF012  overridden once per class, never changed
        "instruction": ("key",),
        "what_question": ("key",),
        "attribute_question": ("key", "column"),
    }

    def suggest(self, guess: ColumnGuess) -> TemplateSuggestion | None:
        if found := guess.contained:
            mapping = ColumnMapping(key=found.key, include=found.targets)
            return TemplateSuggestion(self.id, mapping, found.why, 0.9, self.wording(guess, mapping))
        key = guess.subject
        if key is None or len(guess.usable) < 2 or not (key.has_texts or key.is_personal):
            return None
        mapping = ColumnMapping(key=key.name, include=guess.others(key))
        why = f"Each row is about one `{key.name}`, and the other columns say what is known about it."
        return TemplateSuggestion(self.id, mapping, why, 0.4, self.wording(guess, mapping))

    def first_mapping(self, guess: ColumnGuess) -> ColumnMapping:
        key = guess.subject
        return ColumnMapping(key=key and key.name, include=guess.others(key))

    def wording(self, guess: ColumnGuess, mapping: ColumnMapping) -> dict[str, Any]:
        key, chosen = guess.named(mapping.key or ""), [guess.named(name) for name in mapping.include]
        options: dict[str, Any] = {}
        if any(column and column.empty for column in chosen):
            options["empty"] = "leave_out"  # a row with one missing fact still has the others
        names = ", ".join(" ".join(name.split()) for name in mapping.include)
        if "{{" in names or not 0 < len(names) <= _MAX_CHARACTERS:
            return options
        options["system"] = f"Answer with these facts: {names}."
        if key and key.content.prose:
            options |= {"instruction": "{{key}}", "answer_format": "json"}
            options["system"] = f"Extract from the text, as JSON: {names}."
        return options

    def concatenates(self, options: ExtractionOptions) -> bool:
        return options.answer_format == "list"  # JSON escapes the cells

    def turns(
        self, cells: Cells, mapping: ColumnMapping, options: ExtractionOptions, patterns: Mapping[str, Pattern]
    ) -> list[list[Turn]]:
        assert mapping.key is not None
        key = cells.need(mapping.key)
        pairs = cells.included(others(mapping) or mapping.include)
        as_json = options.answer_format == "json"
        answer = json.dumps(dict(pairs), ensure_ascii=False) if as_json else list_text(pairs)
        everything = (cells.fill(patterns["instruction"], key=key), answer)
        if options.questions == "one":
            return [[everything]]
        column, text = pairs[-1]
        what = cells.need(mapping.target) if mapping.target else pairs[0][1]
        return [
            [
                (cells.fill(patterns["what_question"], key=key), what),
                (cells.fill(patterns["attribute_question"], key=key, column=column), text),
                everything,
            ]
        ]
