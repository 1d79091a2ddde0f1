"""The settings of smart mode, frozen when the run starts. Screens build their form from these fields."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from core import bounds
from core.data.conversion.patterns import Pattern
from core.data.issues import data_error
from core.errors import DataError

MAX_PATTERNS = 20
MAX_COLUMNS = 100

Text = Annotated[str, Field(max_length=8_000)]


class SmartRecipe(BaseModel):
    """How a model writes examples from rows."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    connection_id: str = Field(default="studio", min_length=1, title="Connection", description="The connection to use.")
    model: str = Field(
        default="", max_length=300, title="Model", description="The model to use, by its name in the connection."
    )
    columns: tuple[str, ...] = Field(
        default=(), title="Columns",
        description="What the model sees of each row. Do not include what it must not see, such as names of people.",
        max_length=MAX_COLUMNS,
    )  # fmt: skip
    system: Text = Field(
        default="", title="System message",
        description="Comes first in every example: who the assistant is and how it answers.",
        json_schema_extra={"widget": "area"},
    )  # fmt: skip
    patterns: tuple[str, ...] = Field(
        default=(), title="Question patterns",
        description="Questions with {{column}} in the places to fill; the model writes the answers. Without any, it "
        "writes the questions too.",
        max_length=MAX_PATTERNS,
    )  # fmt: skip
    instructions: Text = Field(
        default="", title="Instructions",
        description="What else the model should follow when writing: language, tone, length.",
        json_schema_extra={"widget": "area"},
    )  # fmt: skip
    examples_per_row: int = Field(
        default=1, ge=1, le=5, title="Examples per row",
        description="How many labeled examples to write from each row.",
        json_schema_extra={"usual": "1 to 3", "up": "More examples, higher cost, more repetition."},
    )  # fmt: skip
    temperature: float = Field(
        default=0.3, ge=0, le=2, title="Temperature",
        description="How freely the model writes; 0 always takes the most likely word.",
        json_schema_extra={"widget": "slider", "step": 0.1, "usual": "0 to 0.7", "up": "More variety, more invention."},
    )  # fmt: skip
    max_tokens: int = Field(
        default=1024, ge=32, le=16_384, title="Maximum answer length",
        description="Tokens that the model may write for one row; a longer answer is cut off and counts as failed.",
        json_schema_extra={"unit": "tokens", "step": 64},
    )  # fmt: skip
    concurrency: int = Field(
        default=4, ge=1, le=16, title="Rows at once", description="How many rows are sent at the same time.",
        json_schema_extra={"up": "Faster, until the endpoint limits the rate."},
    )  # fmt: skip
    budget_usd: float | None = Field(
        default=None, gt=0, le=1_000_000, title="Budget",
        description="The run pauses before it would cost more. Leave empty for no limit.",
        json_schema_extra={"unit": "US$", "step": 0.5},
    )  # fmt: skip
    max_rows: int | None = Field(
        default=None, ge=1, le=10_000_000, title="Maximum rows",
        description="Use only this many rows from the start of the file. Leave empty for all.",
    )  # fmt: skip
    timeout_s: float = Field(
        default=120.0, ge=1, le=3600, title="Time per answer",
        description="If no answer arrives in this time, the row is sent again.",
        json_schema_extra={"unit": "s", "step": 10},
    )  # fmt: skip

    @field_validator("patterns")
    @classmethod
    def _no_blank_patterns(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(pattern.strip()[:2_000] for pattern in patterns if pattern.strip())

    @classmethod
    def of(cls, raw: object) -> Self:
        """From a draft's state or a task's payload.

        Raises:
            DataError: a value is invalid; names the field.
        """
        try:
            return cls.model_validate(raw)
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0]) if first["loc"] else ""
            field = cls.model_fields.get(name)
            title = field.title if field else name
            raise DataError(f"{title} {bounds.problem(error, cls.model_fields)}.", field=name or None) from None

    def check(self, columns: tuple[str, ...]) -> None:
        """Refuse, before the first request, what cannot work with this table.

        Raises:
            DataError: no model, no column, or a column that does not exist.
        """
        if not self.model:
            raise DataError("No model is chosen.", "Choose one from the connection's list.", field="model")
        if not self.columns:
            raise DataError("No column is chosen.", "Choose the columns that the model sees.", field="columns")
        for name in self.columns:
            if name not in columns:
                raise data_error("column_missing", f"There is no column {name!r}.", field="columns")
        for pattern in self.patterns:
            Pattern.parse(pattern, self.columns, where="Question patterns", field="patterns")

    def questions_for(self, position: int) -> tuple[str, ...]:
        """The patterns for one row: if there are more than examples per row, rows take turns."""
        if len(self.patterns) <= self.examples_per_row:
            return self.patterns
        start = position * self.examples_per_row
        return tuple(self.patterns[(start + step) % len(self.patterns)] for step in range(self.examples_per_row))
