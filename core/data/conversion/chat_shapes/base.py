"""What every chat shape shares: the record, its result, the registry and recognition."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from core.data.conversion.cells import is_placeholder
from core.data.conversion.chat_shapes.reading.values import as_list, lowered, plain_name
from core.data.issues import ISSUES, finding
from core.data.quality import structure
from core.errors import DataError
from core.messages import Finding, Row
from core.registry import Registry

SAMPLE = 50  # rows that recognition looks at
NOTES: Final = frozenset({"role_developer", "reasoning_tags", "template_tokens"})  # said once per file


@dataclass(frozen=True, slots=True)
class ShapedRow:
    """What a shape makes of one row; unchecked (quality.structure checks it).

    Attributes:
        messages: chat-format dictionaries.
        tools: schemas of the functions that the assistant may call.
        rejected: of a preference pair, the worse messages after the shared prompt.
        split: train, validation or test, where the row says so.
        notes: codes of issues that are reported once per file, not for each row.
        findings: about this row; an error leaves it out.
        leave_out: the row is not an example, for the reason in `findings`.
    """

    messages: object
    tools: object = None
    rejected: object = None
    split: object = None
    notes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    leave_out: bool = False

    def parse(self, *, line: int = 0, source: str = "") -> structure.ParsedExample:
        """The example, or every reason why there is none."""
        beside = tuple(replace(item, line=line or None) for item in self.findings)
        if self.leave_out:
            return structure.ParsedExample(None, beside)
        parsed = structure.parse(
            self.messages, line=line, source=source, tools=self.tools, rejected=self.rejected, split=self.split
        )
        notes = tuple(finding(code, ISSUES.get(code).sentence, line=line or None) for code in self.notes)
        refused = any(item.severity == "error" for item in beside)
        example = None if refused else parsed.example
        return structure.ParsedExample(example, (*beside, *parsed.findings, *notes))


@dataclass(frozen=True, slots=True)
class ShapeChoice:
    """Something about a shape that only the user can decide.

    Attributes:
        id: the name of the option, as in `--set id=value`.
        offers: the possible values with their labels for these rows; none if the choice does not arise.
        default: the value without a choice.
    """

    id: str
    title: str
    help: str
    offers: Callable[[Sequence[Mapping[str, Any]]], Mapping[str, str]]
    default: str = ""


Gather = Callable[[Iterable[Row]], Iterator[tuple[tuple[Row, ...], ShapedRow]]]


@dataclass(frozen=True, slots=True)
class ChatShape:
    """A shape of rows that are examples already.

    Attributes:
        text: where it comes from, for the screen and the docs.
        required: column names, in lower case, that make the shape, in the order to be shown.
        optional: further columns that it uses.
        to_messages: fields -> chat-format dictionaries or `ShapedRow`, or several `ShapedRow` in a tuple; unchecked
            (quality.structure checks them). Pure. Takes the ids of `choices` as keywords where there are some.
        lists: the required columns that must contain a list of objects.
        choices: what the user decides.
        also: a further condition of a row, its names in lower case.
        least: the share of the rows that must be in this shape to recognize a file.
        gather: rows -> (the rows' lines, their example) for a shape whose examples lie across several rows.
        concatenates: whether every content is a concatenation of fixed texts and of cells that are plain texts, and
            nothing depends on what is in them but whether they are blank. Then many rows are converted at once
            (`conversion.shape_columns`).
        verbatim: the column whose list of messages is an example as it is, where each has nothing but a known role and
            a text without tags of tool calls; "" if there is none.
        changed_by: columns beside `verbatim` that change that.
    """

    id: str
    title: str
    text: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    to_messages: Callable[..., object]
    lists: tuple[str, ...] = ()
    choices: tuple[ShapeChoice, ...] = ()
    also: Callable[[Mapping[str, Any]], bool] | None = None
    least: float = 0.5
    gather: Gather | None = None
    concatenates: bool = False
    verbatim: str = ""
    changed_by: frozenset[str] = frozenset()

    @property
    def columns(self) -> frozenset[str]:
        """Every column that it uses."""
        return frozenset((*self.required, *self.optional))

    def fits(self, fields: Mapping[str, Any]) -> bool:
        """Whether a row, its names in lower case, is in this shape."""
        if not set(self.required) <= fields.keys():
            return False
        if not all(isinstance(as_list(fields[name]), list) for name in self.lists):
            return False
        return self.also is None or self.also(fields)

    def cleared(self, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """The fields without placeholders such as `<noinput>` in optional columns."""
        if not any(map(is_placeholder, fields.values())):
            return fields
        return {
            name: "" if plain_name(name) in self.optional and is_placeholder(value) else value
            for name, value in fields.items()
        }

    def checked(self, options: Mapping[str, Any] | None) -> dict[str, str]:
        """The user's choices.

        Raises:
            DataError: the shape has no such option.
        """
        known = {choice.id for choice in self.choices}
        for name in options or {}:
            if name not in known:
                text = f"The shape {self.id} has no option {name!r}."
                raise DataError(text, f"It has: {', '.join(sorted(known)) or 'none'}.", field=name)
        return {name: str(value) for name, value in (options or {}).items() if value not in (None, "")}

    def converter(self, options: Mapping[str, Any] | None = None) -> Callable[[Mapping[str, Any]], object]:
        """`to_messages` with the user's choices."""
        chosen = self.checked(options)
        if not chosen:
            return self.to_messages
        return lambda fields: self.to_messages(fields, **chosen)

    def reader(self, options: Mapping[str, Any] | None = None) -> Callable[[Mapping[str, Any]], tuple[ShapedRow, ...]]:
        """The examples of a row, with the user's choices: usually one."""
        convert = self.converter(options)

        def read(fields: Mapping[str, Any]) -> tuple[ShapedRow, ...]:
            made = convert(self.cleared(fields))
            if isinstance(made, tuple):
                return made or (ShapedRow([]),)
            return (made if isinstance(made, ShapedRow) else ShapedRow(made),)

        return read

    def shaped(self, fields: Mapping[str, Any]) -> ShapedRow:
        """The first example of a row, without choices."""
        return self.reader()(fields)[0]


CHAT_SHAPES: Final = Registry[ChatShape]("chat shape")


def detect(rows: Iterable[Row]) -> str | None:
    """The id of the shape that most of these rows are in, or None.

    Half of the rows are enough: then those that do not fit are rejected with their reasons, instead of all rows being
    "unknown". The first shape in the registry that fits is taken.
    """
    sample = [lowered(row.fields) for row in rows]
    for shape in CHAT_SHAPES:
        fitting = sum(shape.fits(fields) for fields in sample)
        if fitting and fitting >= shape.least * len(sample):
            return shape.id
    return None
