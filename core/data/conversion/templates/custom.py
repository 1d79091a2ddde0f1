"""Custom: the user's own patterns with `{{column}}`; optionally a second turn, or conversations over several rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from pydantic import Field

from core.data.conversion.cells import cell_text
from core.data.conversion.content.words import header_rank
from core.data.conversion.guessing import ColumnGuess
from core.data.conversion.patterns import Pattern
from core.data.conversion.templates.base import (
    MULTILINE,
    Cells,
    RowProblem,
    Template,
    TemplateOptions,
    Turn,
    messages_of,
    rejected,
)
from core.data.conversion.templates.mapping import ColumnMapping, TemplateSuggestion
from core.data.issues import data_error
from core.errors import DataError
from core.messages import Example, Reject, Row


class CustomOptions(TemplateOptions):
    """The user's own patterns."""

    user: str = Field(
        "", title="Input", description="What the user says, with {{column}} patterns.", json_schema_extra=MULTILINE
    )
    assistant: str = Field(
        "", title="Output", description="What the assistant answers, with {{column}} patterns.",
        json_schema_extra=MULTILINE,
    )  # fmt: skip
    follow_up_user: str = Field(
        "", title="Second input", description="Multi-turn: what the user says next.", json_schema_extra=MULTILINE
    )
    follow_up_assistant: str = Field(
        "", title="Second output", description="Multi-turn: the answer to the follow-up question.",
        json_schema_extra=MULTILINE,
    )  # fmt: skip
    conversation: str | None = Field(
        None, title="Conversation column",
        description="Consecutive rows with the same value here become one conversation.",
        json_schema_extra={"column": True},
    )  # fmt: skip


class CustomTemplate(Template[CustomOptions]):
    """Whatever the patterns say."""

    id = "custom"
    title = "Custom"
    icon = "edit_note"
    tagline = "Your own patterns with {{column}}."
    roles = ()
    Options = CustomOptions

    def suggest(self, guess: ColumnGuess) -> TemplateSuggestion | None:
        key = guess.subject or guess.usable[0]
        why, score = f"No column looks like the output for `{key.name}`; write your own patterns around it.", 0.1
        if len(guess.usable) == 1:
            why = f"Only `{key.name}` has values; write your own patterns around it."
        elif key.content.prose and header_rank(key.name, "subject") is None:
            score = 0.45
            why = (
                f"`{key.name}` has texts, and no other column looks like their answer or label; choose an output, or "
                "let a language model write examples (smart mode)."
            )
        mapping = ColumnMapping(key=key.name)
        return TemplateSuggestion(self.id, mapping, why, score, self.wording(guess, mapping))

    def wording(self, guess: ColumnGuess, mapping: ColumnMapping) -> dict[str, Any]:
        name = mapping.key or ""
        return {"user": f"{{{{{name}}}}}"} if name and not set(name) & set("{}") else {}

    def first_mapping(self, guess: ColumnGuess) -> ColumnMapping:
        return ColumnMapping()

    def check(self, columns: Sequence[str], mapping: ColumnMapping, options: CustomOptions) -> None:
        super().check(columns, mapping, options)
        for name in ("user", "assistant"):
            if not getattr(options, name).strip():
                title = CustomOptions.model_fields[name].title
                raise DataError(f"“{title}” is empty.", "Write a pattern such as {{question}}.", field=name)
        if bool(options.follow_up_user.strip()) != bool(options.follow_up_assistant.strip()):
            raise DataError("A second turn needs both an input and an output.", "Fill in both, or clear both.")
        if options.conversation and options.conversation not in columns:
            listed = f"Columns are: {', '.join(columns[:20])}."
            raise data_error("column_missing", f"There is no column {options.conversation!r}.", listed)

    def concatenates(self, options: CustomOptions) -> bool:
        return not options.conversation

    def turns(
        self, cells: Cells, mapping: ColumnMapping, options: CustomOptions, patterns: Mapping[str, Pattern]
    ) -> list[list[Turn]]:
        turns = [self._turn(cells, patterns["user"], patterns["assistant"])]
        if options.follow_up_user.strip():
            turns.append(self._turn(cells, patterns["follow_up_user"], patterns["follow_up_assistant"]))
        return [turns]

    def _turn(self, cells: Cells, user: Pattern, assistant: Pattern) -> Turn:
        turn = cells.fill(user), cells.fill(assistant)
        if not all(text.strip() for text in turn):
            names = (*user.names, *assistant.names)
            raise RowProblem(names[0] if names else "", "The pattern is empty for this row.")
        return turn

    def to_examples(
        self, rows: Iterable[Row], mapping: ColumnMapping, options: CustomOptions
    ) -> Iterator[Example | Reject]:
        column = options.conversation
        if not column:
            yield from super().to_examples(rows, mapping, options)
            return
        for _, group in groupby(rows, key=lambda row: cell_text(row.fields.get(column))):
            yield from self._conversation(list(group), mapping, options)

    def _conversation(
        self, rows: list[Row], mapping: ColumnMapping, options: CustomOptions
    ) -> Iterator[Example | Reject]:
        """One example of all rows; if one row has an empty cell, all are rejected."""
        single = options.model_copy(update={"conversation": None})
        made = list(super().to_examples(rows, mapping, single))
        if problems := [item for item in made if isinstance(item, Reject)]:
            first = problems[0]
            gap = RowProblem(
                first.findings[0].field or "", f"Line {first.line} of this conversation has an empty cell."
            )
            known = {item.line: item for item in problems}
            for row in rows:
                yield known.get(row.line) or rejected(row, gap, options)
            return
        examples = [item for item in made if isinstance(item, Example)]
        system = next((message.content for message in examples[0].messages if message.role == "system"), "")
        spoken = [message for example in examples for message in example.messages if message.role != "system"]
        yield Example((*messages_of(system, ()), *spoken), source_line=rows[0].line)
