"""Which column plays which part in a template, and the suggestion of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core import arguments
from core.errors import DataError


@dataclass(frozen=True, slots=True)
class RoleSpec:
    """A part that a column can play in a template.

    Attributes:
        id: its name in ColumnMapping: `key`, `target`, `include` or an id of the template's own.
        several: it takes any number of columns, none of which plays another part.
    """

    id: str
    title: str
    description: str
    required: bool
    several: bool = False

    @property
    def noun(self) -> str:
        """As in: the template needs a key column."""
        return self.title.lower() if self.several else f"a {self.title.lower()}"


class ColumnMapping(BaseModel):
    """Which column plays which part. Parts that only one template knows are further fields."""

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, str | tuple[str, ...] | None] = Field(init=False)

    key: str | None = Field(None, title="Key column", description="The main input.")
    target: str | None = Field(None, title="Target column", description="The expected output.")
    include: tuple[str, ...] = Field(
        (), title="Columns to include", description="Other columns to include in the example."
    )

    @classmethod
    def of(cls, values: object) -> Self:
        """From a draft's state or a task's payload.

        Raises:
            DataError: a value is not a column or a list of columns; names the part.
        """
        try:
            return cls.model_validate(arguments.mapping(values, "mapping"))
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(map(str, first["loc"]))
            text = f"The mapping of columns: {name!r}: {first['msg'].lower()} (it is {first['input']!r})."
            raise DataError(text, "Give the name of a column, or a list of names.", field=name) from error

    def columns(self, role_id: str) -> tuple[str, ...]:
        """The columns that play a part: several, one or none."""
        chosen = getattr(self, role_id, None)
        return (chosen,) if isinstance(chosen, str) else tuple(chosen or ())

    def to_dict(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return self.model_dump(mode="json")


@dataclass(frozen=True, slots=True)
class TemplateSuggestion:
    """A template with its columns, and why they fit a table.

    Attributes:
        reason: a sentence for the user.
        options: values of the template's options that fit, such as a system message.
        score: how well the template fits, from 0 to 1; the highest of all templates is suggested.
    """

    template: str
    mapping: ColumnMapping
    reason: str
    score: float = field(default=0.0, compare=False)
    options: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        options = {"options": dict(self.options)} if self.options else {}
        return {"template": self.template, **self.mapping.to_dict(), "reason": self.reason, **options}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """The inverse of to_dict, without the score."""
        mapping = {name: value for name, value in raw.items() if name not in ("template", "reason", "options")}
        return cls(raw["template"], ColumnMapping.of(mapping), raw["reason"], options=raw.get("options") or {})
