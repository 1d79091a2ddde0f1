"""What every guided template shares: the contract with its registry, options, and the handling of empty cells."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.config import JsonDict

from core import arguments, bounds
from core.data.conversion.cells import cell_text, is_empty, is_none, is_placeholder
from core.data.conversion.guessing import ColumnGuess
from core.data.conversion.patterns import Pattern
from core.data.conversion.templates.mapping import ColumnMapping, RoleSpec, TemplateSuggestion
from core.data.issues import data_error, reject
from core.errors import DataError
from core.messages import Example, Message, Reject, Row
from core.registry import Registry

MULTILINE: JsonDict = {"multiline": True}  # for the form
Turn = tuple[str, str]  # what the user says, what the assistant answers


class TemplateOptions(BaseModel):
    """The options of every template; forms and the command line are built from the fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    system: str = Field(
        "", title="System message",
        description="Context and instructions for the model, the same for every example; may contain {{column}}.",
        json_schema_extra=MULTILINE,
    )  # fmt: skip
    empty: Literal["skip", "leave_out", "fill", "fail"] = Field(
        "skip",
        title="Rows with empty cells",
        description="skip: the row is left out, with the reason. leave_out: the row is used without the empty included "
        "column. fill: the text below is used. fail: the conversion stops at the first one. An empty key or target "
        "always rejects the row.",
        json_schema_extra={
            "labels": {
                "skip": "Skip the row",
                "leave_out": "Leave the column out",
                "fill": "Fill with a text",
                "fail": "Stop at the first",
            }
        },
    )
    fill_text: str = Field(
        "not stated", title="Text for empty cells", description='What "fill" writes.', min_length=1,
        json_schema_extra={"when": {"empty": ["fill"]}},
    )  # fmt: skip


class RowProblem(Exception):
    """A row cannot become an example; becomes a Reject, or a DataError if the user chose "fail"."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


class Cells:
    """One row's cells as text, with the user's choice about empty ones."""

    def __init__(self, row: Row, options: TemplateOptions) -> None:
        self._fields, self._options = row.fields, options

    def need(self, column: str) -> str:
        """The cell's text; an empty cell is a RowProblem."""
        value = self._fields.get(column)
        if is_empty(value):
            what = "is empty" if column in self._fields else "is missing"
            raise RowProblem(column, f"`{column}` {what}.")
        return cell_text(value)

    def maybe(self, column: str) -> str | None:
        """The cell's text, or the fill text, None or a RowProblem if it is empty, by the user's choice."""
        value = self._fields.get(column)
        if not is_none(value):
            return cell_text(value)
        if self._options.empty == "fill":
            return self._options.fill_text
        if self._options.empty == "leave_out":
            return None
        if is_placeholder(value):
            raise RowProblem(column, f"`{column}` says that it is empty: {cell_text(value).strip()}.")
        return self.need(column)

    def included(self, columns: Iterable[str]) -> list[tuple[str, str]]:
        """(column, text) of the included columns that are not empty; a RowProblem if all are.

        A placeholder such as N/A does not skip the row: its column is not used, or filled if the user chose that.
        """
        columns = tuple(columns)
        filled = [
            column
            for column in columns
            if self._options.empty == "fill" or not is_placeholder(self._fields.get(column))
        ]
        found = [(column, text) for column in filled if (text := self.maybe(column)) is not None]
        if columns and not found:
            raise RowProblem(columns[0], "Every included column is empty.")
        return found

    def fill(self, pattern: Pattern, **special: str) -> str:
        """The pattern with this row's cells; `special` names come before columns of the same name."""
        return pattern.fill(
            {name: special[name] if name in special else self.maybe(name) or "" for name in pattern.names}
        )


OptionsT = TypeVar("OptionsT", bound=TemplateOptions)


class Template(ABC, Generic[OptionsT]):
    """A guided way from rows to examples.

    Attributes:
        tagline: one sentence under the title, for screens and docs.
        icon: a Material icon by its name.
        roles: the parts that columns can play, in the order of the form.
        Options: the settings of the template; forms and the command line are built from the fields.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    tagline: ClassVar[str]
    icon: ClassVar[str] = "extension"
    roles: ClassVar[tuple[RoleSpec, ...]]
    Options: type[OptionsT]
    special_names: ClassVar[dict[str, tuple[str, ...]]] = {}  # option that is a pattern -> its names beside columns

    def suggest(self, guess: ColumnGuess) -> TemplateSuggestion | None:
        """The columns to use if this template fits the table, with the reason and a score; by default none."""
        return None

    def first_mapping(self, guess: ColumnGuess) -> ColumnMapping:
        """The columns to begin with when a user picks this template; by default the suggested ones."""
        found = self.suggest(guess)
        return found.mapping if found else ColumnMapping()

    def wording(self, guess: ColumnGuess, mapping: ColumnMapping) -> dict[str, Any]:
        """Values of the options that fit the columns that a user chose, such as a system message; by default none."""
        return {}

    def concatenates(self, options: OptionsT) -> bool:
        """Whether, in rows without empty cells, every text is a concatenation of fixed texts and cells.

        Then many rows are converted at once (see conversion.columnar): `turns` is called once, not for each row.
        """
        return False

    @abstractmethod
    def turns(
        self, cells: Cells, mapping: ColumnMapping, options: OptionsT, patterns: Mapping[str, Pattern]
    ) -> list[list[Turn]]:
        """The conversations of one row, each a list of turns.

        Raises:
            RowProblem: the row cannot be used.
        """

    def make_options(self, values: Mapping[str, Any]) -> OptionsT:
        """Check option values; DataError names the first that is wrong."""
        try:
            return self.Options.model_validate(arguments.mapping(values, "options"))
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(map(str, first["loc"]))
            text = f"Option {name!r} of “{self.title}” {bounds.problem(error, self.Options.model_fields)}."
            known = ", ".join(self.Options.model_fields)
            raise DataError(text, f"Options are: {known}.", field=name) from error

    def check(self, columns: Sequence[str], mapping: ColumnMapping, options: OptionsT) -> None:
        """Refuse what cannot work, before a row is read.

        Raises:
            DataError: a required column is not chosen, or a column does not exist (code column_missing).
        """
        for part in set(mapping.model_extra or ()) - {role.id for role in self.roles}:
            parts = ", ".join(role.id for role in self.roles) or "none"
            raise DataError(f"“{self.title}” has no part {part!r}.", f"Its parts are: {parts}.", field=part)
        for role in self.roles:
            chosen = mapping.columns(role.id)
            if role.required and not chosen:
                raise DataError(f"“{self.title}” needs {role.noun}.", role.description, field=role.id)
            for column in chosen:
                if column not in columns:
                    listed = f"Columns are: {', '.join(columns[:20])}."
                    raise data_error("column_missing", f"There is no column {column!r}.", listed, field=role.id)
        for name in self._pattern_names():
            known = {*columns, *self.special_names.get(name, ())}
            title = self.Options.model_fields[name].title or name
            Pattern.parse(getattr(options, name), known, where=title, field=name)

    def used_columns(self, mapping: ColumnMapping, options: Mapping[str, Any]) -> tuple[str, ...]:
        """The columns that become part of an example: by their role, or in a pattern of the options."""
        chosen = [column for role in self.roles for column in mapping.columns(role.id)]
        for name in self._pattern_names():
            text = options.get(name, self.Options.model_fields[name].default)
            names = Pattern.parse(text).names if isinstance(text, str) else ()
            chosen += [column for column in names if column not in self.special_names.get(name, ())]
        return tuple(dict.fromkeys(chosen))

    def to_examples(self, rows: Iterable[Row], mapping: ColumnMapping, options: OptionsT) -> Iterator[Example | Reject]:
        """At least one example or exactly one Reject for every row, in their order.

        Raises:
            DataError: a cell is empty and the user chose "fail".
        """
        patterns = self._patterns(options)
        for row in rows:
            try:
                conversations = self.conversations(row, mapping, options, patterns)
            except RowProblem as problem:
                yield rejected(row, problem, options)
                continue
            for system, turns in conversations:
                yield Example(messages_of(system, turns), source_line=row.line)

    def conversations(
        self, row: Row, mapping: ColumnMapping, options: OptionsT, patterns: Mapping[str, Pattern] | None = None
    ) -> list[tuple[str, list[Turn]]]:
        """The system message and the turns of each example of one row.

        Args:
            patterns: of the options, if they were parsed before.

        Raises:
            RowProblem: the row cannot be used.
        """
        cells = Cells(row, options)
        known = self._patterns(options) if patterns is None else patterns
        system = cells.fill(known["system"])
        return [(system, turns) for turns in self.turns(cells, mapping, options, known)]

    def _patterns(self, options: OptionsT) -> dict[str, Pattern]:
        return {name: Pattern.parse(getattr(options, name)) for name in self._pattern_names()}

    def _pattern_names(self) -> list[str]:
        """The options that are patterns: every text except the fill text."""
        fields = self.Options.model_fields
        return [name for name, field in fields.items() if field.annotation is str and name != "fill_text"]


TEMPLATES: Final = Registry[Template[Any]]("template")


def messages_of(system: str, turns: Iterable[Turn]) -> tuple[Message, ...]:
    """The system message if there is one, then user and assistant in turn."""
    messages = [Message("system", system)] if system.strip() else []
    for question, answer in turns:
        messages += [Message("user", question), Message("assistant", answer)]
    return tuple(messages)


def rejected(row: Row, problem: RowProblem, options: TemplateOptions) -> Reject:
    """The Reject for a problem; raises a DataError if the user chose to stop."""
    if options.empty == "fail":
        remedy = f"Fill in `{problem.field}`, or choose to skip rows with empty cells."
        text = f"Line {row.line}: {problem.message}"
        raise data_error("cell_empty", text, remedy, line=row.line, field=problem.field)
    raw = cell_text(dict(row.fields))
    return reject("cell_empty", problem.message, line=row.line, raw=raw, field=problem.field)


def list_text(pairs: Iterable[tuple[str, str]]) -> str:
    """`- column: text` lines."""
    return "\n".join(f"- {column}: {text}" for column, text in pairs)


def others(mapping: ColumnMapping) -> tuple[str, ...]:
    """The included columns without key and target."""
    return tuple(column for column in mapping.include if column not in (mapping.key, mapping.target))
