"""Classification: the key's text, or a summary of the included columns, answered by the label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import Field

from core.data.conversion.patterns import Pattern
from core.data.conversion.templates.base import Cells, ColumnMapping, RoleSpec, Template, TemplateOptions, Turn, others
from core.errors import DataError


class ClassificationOptions(TemplateOptions):
    """How the text to classify is presented."""

    prompt: str = Field(
        "{{text}}",
        title="Input",
        description="{{text}} is the key's text, or a summary of the included columns; for example: Classify: {{text}}",
        min_length=1,
        json_schema_extra={"multiline": True},
    )


class ClassificationTemplate(Template[ClassificationOptions]):
    """A text and its label."""

    id = "classification"
    title = "Classification"
    tagline = "A text, or a summary of several columns, and its label."
    roles = (
        RoleSpec("target", "Target column", "The label.", True),
        RoleSpec("key", "Key column", "The text to classify.", False),
        RoleSpec("include", "Columns to include", "Summarised as the input, instead of or beside the key.", False),
    )
    Options = ClassificationOptions
    special_names = {"prompt": ("text", "key")}  # noqa: RUF012  overridden once per class, never changed

    def check(self, columns: Sequence[str], mapping: ColumnMapping, options: ClassificationOptions) -> None:
        super().check(columns, mapping, options)
        if not mapping.key and not others(mapping):
            raise DataError("Classification has nothing to classify.", "Choose a key column or columns to include.")

    def concatenates(self, options: ClassificationOptions) -> bool:
        return True

    def turns(
        self, cells: Cells, mapping: ColumnMapping, options: ClassificationOptions, patterns: Mapping[str, Pattern]
    ) -> list[list[Turn]]:
        assert mapping.target is not None
        label = cells.need(mapping.target)
        key = cells.need(mapping.key) if mapping.key else ""
        text = key
        if included := others(mapping):
            lead = [(mapping.key, key)] if mapping.key else []
            text = "\n".join(f"{name}: {value}" for name, value in [*lead, *cells.included(included)])
        return [[(cells.fill(patterns["prompt"], text=text, key=key), label)]]
