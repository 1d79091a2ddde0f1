"""Classification: the key's text, or a summary of the included columns, answered by the label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import Field

from core.data.conversion.guessing import ColumnGuess, guess_key, is_label
from core.data.conversion.patterns import Pattern
from core.data.conversion.templates.base import Cells, Template, TemplateOptions, Turn, others
from core.data.conversion.templates.mapping import ColumnMapping, RoleSpec, TemplateSuggestion
from core.errors import DataError


class ClassificationOptions(TemplateOptions):
    """How the text to classify is presented."""

    prompt: str = Field(
        "{{text}}", title="Input",
        description="{{text}} is the key's text, or a summary of the included columns; for example: Classify: {{text}}",
        min_length=1, json_schema_extra={"multiline": True},
    )  # fmt: skip


class ClassificationTemplate(Template[ClassificationOptions]):
    """A text and its label."""

    id = "classification"
    title = "Classification"
    icon = "label"
    tagline = "A text, or a summary of several columns, and its label."
    roles = (
        RoleSpec("target", "Target column", "The label.", True),
        RoleSpec("key", "Key column", "The text to classify.", False),
        RoleSpec(
            "include", "Columns to include", "Summarized as the input, without the key or with it.", False, several=True
        ),
    )
    Options = ClassificationOptions
    special_names = {"prompt": ("text", "key")}  # noqa: RUF012  overridden once per class, never changed

    def suggest(self, guess: ColumnGuess) -> TemplateSuggestion | None:
        key, label, score = guess.key, guess.target, 0.9
        if key and label is None and len(guess.usable) == 2 and key.type == "text":
            label = next((column for column in guess.labels if column is not key), None)
            score = 0.7
        elif label and not is_label(label):
            label = None
        if key is None or label is None:
            return None
        reason = (
            f"`{label.name}` has {label.distinct} distinct values in {label.filled:,} rows, like labels, and "
            f"`{key.name}` has the texts they belong to."
        )
        return TemplateSuggestion(self.id, ColumnMapping(key=key.name, target=label.name), reason, score)

    def first_mapping(self, guess: ColumnGuess) -> ColumnMapping:
        named = guess.target if guess.target and is_label(guess.target) else None
        label = named or next(iter(guess.labels), None)
        key = guess_key(guess.usable, label)
        return ColumnMapping(key=key and key.name, target=label and label.name)

    def check(self, columns: Sequence[str], mapping: ColumnMapping, options: ClassificationOptions) -> None:
        super().check(columns, mapping, options)
        if not mapping.key and not others(mapping):
            raise DataError("Classification needs a text to classify.", "Choose a key column or columns to include.")

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
