"""What an operation on a dataset version is: frozen parameters that describe themselves and stream examples.

A new operation is a class with a new `id`, registered by `@OPERATIONS.add`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar, Final, Protocol, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, ValidationError

from core import bounds
from core.data.versions.rows import Entry
from core.errors import DataError
from core.messages import Example, Split
from core.registry import Registry
from core.text import plural

_LISTED = 200  # positions and texts that a version's history stores in full


class OperationSource(Protocol):
    """The examples that an operation works on; they can be iterated as often as needed."""

    @property
    def total(self) -> int: ...

    @property
    def beat(self) -> Callable[[], None]: ...  # to be called during long work; what it raises ends the work

    def __iter__(self) -> Iterator[Entry]: ...


@dataclass(frozen=True, slots=True)
class ResultExample:
    """One example of the result.

    Attributes:
        origin: the example it was made from; None for a new one.
        example: the changed example; None where its messages are unchanged.
        split: the part it moves to, where nothing else changes; None where it does not move.
        provenance: where a new one came from, e.g. model and prompt version.
    """

    origin: Entry | None = None
    example: Example | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    split: Split | None = None

    @property
    def changed(self) -> bool:
        if self.origin is None:
            return False
        if self.example is None:
            return self.split not in (None, self.origin.split)
        return self.example != self.origin.example

    @property
    def part(self) -> Split:
        """The part that the example of the result belongs to."""
        if self.example is not None:
            return self.example.split
        return self.split or (self.origin.split if self.origin else "train")

    def result(self) -> Example:
        """The example of the result."""
        if self.example is not None:
            return self.example
        assert self.origin is not None
        was = self.origin.example
        return was if self.split in (None, was.split) else replace(was, split=self.part)


@dataclass(frozen=True, slots=True)
class Effect:
    """What an operation does to a version: examples added, removed, changed, and how many there are afterwards."""

    added: int
    removed: int
    changed: int
    total: int
    train: int
    validation: int
    test: int

    @property
    def nothing(self) -> bool:
        return not (self.added or self.removed or self.changed)


class Operation(BaseModel):
    """A change to a dataset version: plain parameters, checked when it is created.

    `title` and `icon` (a Material name) are those of its button. An operation with a `lead` (what it is good for, in a
    sentence or two) is offered above the examples, with a form made from its fields.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: ClassVar[str]
    title: ClassVar[str]
    lead: ClassVar[str] = ""
    icon: ClassVar[str] = ""

    @abstractmethod
    def apply(self, rows: OperationSource) -> Iterator[ResultExample]:
        """The examples of the result, in order; one that is not yielded is removed.

        Raises:
            DataError: the parameters do not fit these examples.
        """

    @abstractmethod
    def describe(self) -> str:
        """What it does, as one sentence in the past tense."""

    def to_dict(self) -> dict[str, Any]:
        """Everything that `operation_of` needs to create it again."""
        return {"id": self.id, **self.model_dump(mode="json")}

    def summary(self) -> dict[str, Any]:
        """The parameters for a version's manifest; long lists are shortened to their count and first items."""
        return {name: _short(value) for name, value in self.model_dump(mode="json").items()}


OPERATIONS: Final = Registry[type[Operation]]("editing operation")


def operation_of(raw: Mapping[str, Any]) -> Operation:
    """The operation that `to_dict` described.

    Raises:
        DataError: an unknown id, or parameters that do not fit; names the first that is wrong.
    """
    values = dict(raw)
    name = values.pop("id", None)
    if name not in OPERATIONS:
        raise DataError(f"Unknown editing operation: {name!r}.", f"Choose one of: {', '.join(OPERATIONS.ids())}.")
    return make(OPERATIONS.get(name), **values)


AnOperation = TypeVar("AnOperation", bound=Operation)


def make(kind: type[AnOperation], /, **values: Any) -> AnOperation:
    """The operation with these parameters.

    Raises:
        DataError: names the first parameter that is wrong.
    """
    try:
        return kind(**values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or None
        wrong = bounds.problem(error, kind.model_fields)
        text = f"{kind.title}: {where} {wrong}." if where else f"{kind.title}: {wrong}."
        raise DataError(text, "Change this setting.", field=where) from error


# ---- positions


def _ascending(value: Any) -> Any:
    if isinstance(value, Collection) and not isinstance(value, str | bytes | Mapping):
        return tuple(sorted(set(value)))
    return value


Positions = Annotated[tuple[int, ...], BeforeValidator(_ascending), PlainSerializer(list, return_type=list)]


def check_positions(positions: Iterable[int], total: int) -> None:
    """Refuse a position that does not exist.

    Raises:
        DataError: names it.
    """
    for position in positions:
        if not 0 <= position < total:
            text = f"Example {position + 1:,} does not exist; the version has {plural(total, 'example')}."
            raise DataError(text, "Load the examples again: they may have changed.", field="positions")


def each(
    rows: OperationSource, positions: Collection[int] | None, change: Callable[[Entry], Example]
) -> Iterator[ResultExample]:
    """Every example, those at `positions` (None: all) as `change` makes them.

    Raises:
        DataError: a position does not exist; at the call, before anything is read.
    """
    check_positions(positions or (), rows.total)
    chosen = None if positions is None else frozenset(positions)
    return (
        ResultExample(entry, change(entry) if chosen is None or entry.position in chosen else None) for entry in rows
    )


def _short(value: Any) -> Any:
    if isinstance(value, list | dict) and len(value) > _LISTED:
        return {"count": len(value), "first": list(value)[:_LISTED]}
    if isinstance(value, str) and len(value) > 2_000:
        return value[:2_000] + "…"
    return value
