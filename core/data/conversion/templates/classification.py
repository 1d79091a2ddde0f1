"""Classification: the key's text, or a summary of the included columns, answered by the label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from core.data.conversion.content import numbers
from core.data.conversion.guessing import ColumnGuess
from core.data.conversion.patterns import Pattern
from core.data.conversion.profiles import Column
from core.data.conversion.templates.base import Cells, Template, TemplateOptions, Turn, others
from core.data.conversion.templates.mapping import ColumnMapping, RoleSpec, TemplateSuggestion
from core.errors import DataError

MAX_LISTED = 30  # labels that the system message lists
_MAX_CHARACTERS = 600
_MAX_NAME = 60
# Columns by which the text is called what it is; any other one is a message.
_NOUNS = ("review", "comment", "email", "ticket", "question", "sentence", "text", "utterance", "article", "clause")


def _task(key: str, label: Column) -> str:
    """The system message: what to do, and which labels there are."""
    parts = key.lower().replace("_", " ").split()
    noun = next((noun for noun in _NOUNS if noun in parts), "message")
    plain = label.type in ("boolean", "number")  # "0, 1" says nothing without the name of the column
    name = " ".join(label.name.split())
    task = f"Classify the {noun} by {name}" if plain and len(name) <= _MAX_NAME else f"Classify the {noun}"
    labels = sorted(label.labels, key=_number) if label.type == "number" else label.labels
    separator = "; " if any("," in text for text in labels) else ", "
    listed = separator.join(" ".join(text.split()) for text in labels)
    if not labels or "{{" in task + listed:
        return "Classify the message. Answer with its label only."
    if len(labels) > MAX_LISTED or len(listed) > _MAX_CHARACTERS:
        some = separator.join(" ".join(text.split())[:60] for text in labels[:3])
        return f"{task}. Answer with one of {len(labels)} labels, such as {some}."
    return f"{task} as one of: {listed}."


def _number(text: str) -> float:
    found = numbers.value(text.strip(), "either")
    return 0.0 if found is None else found


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
        found = guess.labeling
        if found is None:
            return None
        mapping = ColumnMapping(key=found.key.name, target=found.label.name)
        return TemplateSuggestion(self.id, mapping, found.why, found.score, self.wording(guess, mapping))

    def first_mapping(self, guess: ColumnGuess) -> ColumnMapping:
        if found := guess.labeling:
            return ColumnMapping(key=found.key.name, target=found.label.name)
        label = next(iter(guess.labels), None)
        key = next((column for column in (guess.key, *guess.usable) if column and column is not label), None)
        return ColumnMapping(key=key and key.name, target=label and label.name)

    def wording(self, guess: ColumnGuess, mapping: ColumnMapping) -> dict[str, Any]:
        label = guess.named(mapping.target or "")
        return {"system": _task(mapping.key or "", label)} if label else {}

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
