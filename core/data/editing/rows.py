"""Operations on chosen examples: drop, edit, add, move between the splits, set the weight, set the system message."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any, ClassVar, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.data.editing.base import (
    OPERATIONS,
    Operation,
    OperationSource,
    Positions,
    ResultExample,
    check_positions,
    each,
)
from core.data.issues import data_error
from core.data.quality import structure
from core.data.versions.rows import Entry
from core.errors import DataError
from core.messages import SPLIT_NAMES, Example, Message, Split
from core.text import plural

Messages = tuple[dict[str, Any], ...]
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_LONGEST = 2_000_000  # characters of a system message: those of a cell, so that an existing one can always be set


def parsed(messages: Messages, where: str, tools: Messages = (), rejected: Messages = ()) -> Example:
    """The checked example that a user or a model wrote.

    Raises:
        DataError: the first error that was found; `field` names the message.
    """
    parts = {"messages": messages, "tools": tools, "rejected": rejected}
    for name, part in parts.items():
        for index, item in enumerate(part):
            _check_characters(item, f"{name}[{index}]", where)
    plain = {name: [dict(item) for item in part] for name, part in parts.items()}
    checked = structure.parse(plain["messages"], tools=plain["tools"], rejected=plain["rejected"])
    if checked.example is None:
        worst = next(item for item in checked.findings if item.severity == "error")
        raise DataError(f"{where}: {worst.message}", worst.remedy, code=worst.code, field=worst.field)
    return checked.example


def _check_characters(value: Any, field: str, where: str) -> None:
    """Refuse what no file can store: NUL and lone surrogates."""
    if isinstance(value, str):
        if "\0" in value:
            raise data_error("nul", f"{where}: the text contains a NUL character (U+0000).", field=field)
        if _SURROGATE.search(value):
            raise data_error("lone_surrogate", f"{where}: the text contains half of a surrogate pair.", field=field)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            _check_characters(key, field, where)
            _check_characters(item, f"{field}.{key}", where)
    elif isinstance(value, list | tuple):
        for item in value:
            _check_characters(item, field, where)


@OPERATIONS.add
class DropRows(Operation):
    """Drop examples by their positions."""

    id: ClassVar[str] = "drop_rows"
    title: ClassVar[str] = "Drop examples"
    icon: ClassVar[str] = "delete_sweep"
    positions: Positions = Field(title="Examples", description="Positions, from 0.")

    def apply(self, rows: OperationSource) -> Iterator[ResultExample]:
        check_positions(self.positions, rows.total)
        dropped = frozenset(self.positions)
        return (ResultExample(entry) for entry in rows if entry.position not in dropped)

    def describe(self) -> str:
        return f"Dropped {plural(len(self.positions), 'example')}."


class AddedExample(BaseModel):
    """An example to add. `provenance` is stored beside it, e.g. the model and the prompt version."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    messages: Messages
    tools: Messages = ()
    rejected: Messages = ()
    split: Split = "train"
    flags: tuple[str, ...] = ()
    source: str = ""
    source_line: int = 0
    provenance: dict[str, Any] = Field(default_factory=dict)


def made_of(number: int, added: AddedExample) -> ResultExample:
    """A new example of a result. Raises DataError where its messages are invalid."""
    checked = parsed(added.messages, f"New example {number:,}", added.tools, added.rejected)
    about = {name: getattr(added, name) for name in ("source", "source_line", "split", "flags")}
    return ResultExample(None, replace(checked, **about), added.provenance)


@OPERATIONS.add
class EditRows(Operation):
    """One save of a grid: messages replaced, examples moved, dropped and added. Positions are those of the base."""

    id: ClassVar[str] = "edit_rows"
    title: ClassVar[str] = "Edit examples"
    rows: dict[int, Messages] = Field(default_factory=dict, title="Edits", description="Position -> new messages.")
    tools: dict[int, Messages] = Field(default_factory=dict, title="Tools", description="Position -> new tools.")
    rejected: dict[int, Messages] = Field(
        default_factory=dict, title="Rejected answers", description="Position -> new messages; none removes it."
    )
    splits: dict[int, Split] = Field(default_factory=dict, title="Parts", description="Position -> part.")
    drop: Positions = Field(default=(), title="Dropped", description="Positions.")
    add: tuple[AddedExample, ...] = Field(default=(), title="Added")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.touched() or self.drop or self.add):
            raise ValueError("nothing was edited")
        return self

    def touched(self) -> set[int]:
        """The positions of changed examples."""
        return {*self.rows, *self.tools, *self.rejected, *self.splits}

    def apply(self, rows: OperationSource) -> Iterator[ResultExample]:
        check_positions((*self.touched(), *self.drop), rows.total)
        dropped = frozenset(self.drop)
        for position, raw in self.rows.items():
            if position not in dropped:
                parsed(raw, f"Example {position + 1:,}")  # refused before all is read
        added = [made_of(number, item) for number, item in enumerate(self.add, 1)]

        def change(entry: Entry) -> Example:
            at, example = entry.position, entry.example
            if at in self.rows or at in self.tools or at in self.rejected:
                checked = parsed(
                    self.rows.get(at, message_dicts(example.messages)),
                    f"Example {at + 1:,}",
                    self.tools.get(at, tuple(map(dict, example.tools))),
                    self.rejected.get(at, message_dicts(example.rejected)),
                )
                example = replace(example, messages=checked.messages, tools=checked.tools, rejected=checked.rejected)
            return replace(example, split=self.splits.get(at, entry.split))

        made = each(rows, self.touched() - dropped, change)
        return chain((item for item in made if item.origin and item.origin.position not in dropped), added)

    def describe(self) -> str:
        touched = len(self.touched() - set(self.drop))
        counts = ((touched, "edited"), (len(self.drop), "dropped"), (len(self.add), "added"))
        parts = [plural(number, "example") + f" {verb}" for number, verb in counts if number]
        return f"By hand: {', '.join(parts)}."

    def summary(self) -> dict[str, Any]:
        return {**super().summary(), "add": len(self.add)}


@OPERATIONS.add
class AddExamples(Operation):
    """Add examples at the end."""

    id: ClassVar[str] = "add_examples"
    title: ClassVar[str] = "Add examples"
    examples: tuple[AddedExample, ...] = Field(min_length=1, title="Examples")

    def apply(self, rows: OperationSource) -> Iterator[ResultExample]:
        added = [made_of(number, item) for number, item in enumerate(self.examples, 1)]  # refused before all is read
        return chain((ResultExample(entry) for entry in rows), added)

    def describe(self) -> str:
        return f"Added {plural(len(self.examples), 'example')}."

    def summary(self) -> dict[str, Any]:
        return {"examples": len(self.examples)}


@OPERATIONS.add
class Move(Operation):
    """Move examples into the training, the validation or the test part."""

    id: ClassVar[str] = "move"
    title: ClassVar[str] = "Move examples"
    icon: ClassVar[str] = "move_item"
    positions: Positions
    split: Split = Field(title="Part", description="Where to move them.")

    def apply(self, rows: OperationSource) -> Iterator[ResultExample]:
        return each(rows, self.positions, lambda entry: replace(entry.example, split=self.split))

    def describe(self) -> str:
        return f"Moved {plural(len(self.positions), 'example')} into the {SPLIT_NAMES[self.split]} part."


@OPERATIONS.add
class SetWeight(Operation):
    """Give every assistant message of the chosen examples a weight: 0 keeps it out of the loss."""

    id: ClassVar[str] = "set_weight"
    title: ClassVar[str] = "Set the weight"
    positions: Positions
    weight: Literal[0, 1] = Field(title="Weight", description="0: shown to the model, but not learned. 1: learned.")

    def apply(self, rows: OperationSource) -> Iterator[ResultExample]:
        return each(rows, self.positions, self._weighted)

    def describe(self) -> str:
        effect = "are not learned" if self.weight == 0 else "are learned"
        return f"Set the weight of {plural(len(self.positions), 'example')} to {self.weight}: their answers {effect}."

    def _weighted(self, entry: Entry) -> Example:
        # No weight means 1, so 1 is left out: setting 0 and then 1 restores the same example.
        weight: Literal[0] | None = 0 if self.weight == 0 else None
        messages = tuple(
            replace(message, weight=weight) if message.role == "assistant" else message
            for message in entry.example.messages
        )
        return replace(entry.example, messages=messages)


@OPERATIONS.add
class SetSystem(Operation):
    """Give examples the same system message, or none."""

    id: ClassVar[str] = "set_system"
    title: ClassVar[str] = "Set the system message"
    lead: ClassVar[str] = (
        "System messages are context and instructions for the model. Every example gets this one; leave it "
        "blank to remove them."
    )
    icon: ClassVar[str] = "psychology_alt"
    text: str = Field(
        title="System message", description="Leave it blank to remove the system messages.", max_length=_LONGEST,
        json_schema_extra={"multiline": True, "placeholder": "You are the help desk of …"},
    )  # fmt: skip
    positions: Positions | None = None

    def apply(self, rows: OperationSource) -> Iterator[ResultExample]:
        _check_characters(self.text, "text", self.title)
        lead = (Message("system", self.text),) if self.text.strip() else ()

        def with_lead(entry: Entry) -> Example:
            spoken = tuple(message for message in entry.example.messages if message.role != "system")
            return replace(entry.example, messages=(*lead, *spoken))

        return each(rows, self.positions, with_lead)

    def describe(self) -> str:
        where = "every example" if self.positions is None else plural(len(self.positions), "example")
        if not self.text.strip():
            return f"Removed the system message from {where}."
        shown = self.text if len(self.text) <= 80 else self.text[:80] + "…"
        return f"Gave {where} the system message “{shown}”."


def message_dicts(messages: Iterable[Message]) -> Messages:
    """The chat-format dictionaries of messages, for `edit_rows` and `add_examples`."""
    return tuple(message.to_dict() for message in messages)
