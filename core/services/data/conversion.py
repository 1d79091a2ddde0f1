"""Rows become a dataset: preview and start. The work itself is done by `worker/handlers/conversion.py`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from core import arguments
from core.data.conversion import analysis, fields
from core.data.conversion.analysis import Analysis
from core.data.conversion.chat_shapes import CHAT_SHAPES, NOTES as NOTES, ChatShape
from core.data.conversion.fields import LOOKED_AT, Account, LeftOut
from core.data.conversion.labeling import Labeled, Labeler, Recipe
from core.data.conversion.templates import TEMPLATES, ColumnMapping, RoleSpec, Template, TemplateOptions
from core.messages import Finding, Reject
from core.platform.tasks.records import TaskRecord
from core.services.data import sources
from core.services.data.datasets import writing as dataset_writing
from core.services.data.datasets.writing import start_draft
from core.services.data.sources import accounts
from core.services.platform import drafts

__all__ = [
    "LOOKED_AT", "Account", "Labeled", "LeftOut", "Preview", "RoleSpec", "Template", "TemplateOptions",
    "account", "first_choice", "preview", "raw_text", "reworded", "sample", "start", "start_with", "templates",
    "warnings",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Preview:
    """The first examples of a conversion, before anything is stored.

    Attributes:
        examples: the first ones, with their findings.
        rejects: rows that could not become examples, with the reasons.
        estimated_total: the expected number of examples from the full file.
        of_rows: rows in the full file.
        looked_at: rows that the estimate is based on.
    """

    examples: list[Labeled]
    rejects: list[Reject]
    estimated_total: int
    of_rows: int
    looked_at: int


def templates() -> list[Template[Any]]:
    """The guided templates, in the order of the screen."""
    return list(TEMPLATES)


def known_shapes() -> list[ChatShape]:
    """The shapes of files that need no conversion, in the order of recognition."""
    return list(CHAT_SHAPES)


def shape_title(shape_id: str | None) -> str:
    """A shape's title; the id itself for one that this release no longer has."""
    return CHAT_SHAPES.get(str(shape_id)).title if shape_id in CHAT_SHAPES else str(shape_id)


def template_title(template_id: str) -> str:
    """A template's title; the id itself for one that this release no longer has."""
    return TEMPLATES.get(template_id).title if template_id in TEMPLATES else template_id


def columns_by_part(template_id: str | None, mapping: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The chosen columns as (title of the part, names) for the screen; none for a template that no longer exists."""
    if template_id not in TEMPLATES:
        return []
    chosen, roles = ColumnMapping.of(mapping), TEMPLATES.get(str(template_id)).roles
    return [(role.title, ", ".join(chosen.columns(role.id)) or "–") for role in roles]


def first_choice(source_id: str, template: str) -> dict[str, Any]:
    """The choices to begin with when a user picks a template: {"mapping": {...}, "options": {...}}."""
    found = analysis.first_choice(sources.analyze(source_id), template)
    return {"mapping": found.mapping.to_dict(), "options": dict(found.options)}


def reworded(
    profile: Analysis, template: str, before: Mapping[str, Any], after: Mapping[str, Any], options: Mapping[str, Any]
) -> dict[str, Any]:
    """The options after a change of columns: what was proposed for the columns before and was not edited since is
    proposed again for the new ones, such as the labels in a system message.

    Args:
        before, after: the mappings.
        options: as they are now; those that are missing have their default.
    """
    old, new = (analysis.wording(profile, template, ColumnMapping.of(mapping)) for mapping in (before, after))
    defaults = TEMPLATES.get(template).make_options({}).model_dump()
    changed = dict(options)
    for name in {**old, **new}:
        if changed.get(name, defaults[name]) == old.get(name, defaults[name]):
            changed[name] = new.get(name, defaults[name])
    return changed


def warnings(
    profile: Analysis, template: str, mapping: Mapping[str, Any], options: Mapping[str, Any]
) -> tuple[Finding, ...]:
    """What to know about the chosen columns before they become examples, such as personal data in them."""
    return analysis.warnings(profile, template, ColumnMapping.of(mapping), options)


def account(source_id: str, state: Mapping[str, Any]) -> Account:
    """Which fields of an upload reach the examples and which do not, for the choices in a draft's state.

    Raises:
        DataError: the choices do not fit the table.
    """
    recipe = Recipe.of(state)
    recipe.check(column.name for column in sources.analyze(source_id).columns)
    return sources.account(source_id, recipe)


def late_fields(source_id: str) -> tuple[str, ...]:
    """The columns of an upload that a conversion found behind the rows that the account is based on."""
    return tuple(accounts.late(source_id))


def raw_text(profile: Analysis) -> str | None:
    """The column of a table that is raw text: passages without an input and an output."""
    return fields.raw_text(profile.columns)


def row_by_row(shape_id: str | None) -> bool:
    """Whether each row of a known shape becomes examples by itself; in others several rows are one conversation."""
    return shape_id in CHAT_SHAPES and CHAT_SHAPES.get(str(shape_id)).gather is None


def sample(source_id: str, state: Mapping[str, Any], start: int, rows: int) -> list[Labeled | Reject]:
    """What some rows of an upload become, with the choices in a draft's state.

    Args:
        start: how many rows come before them.
        rows: how many at most.

    Raises:
        DataError: the choices do not fit the table.
    """
    recipe = Recipe.of(state)
    recipe.check(column.name for column in sources.analyze(source_id).columns)
    chosen = sources.few(islice(sources.read(source_id), start, None), rows)
    return list(Labeler(recipe, source_id).run(chosen))


def preview(
    source_id: str,
    template: str | None = None,
    mapping: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    limit: int = 5,
    shape: str | None = None,
    leave_out: Sequence[int] = (),
) -> Preview:
    """Convert the first rows of an upload, those that its account is based on, and estimate the total.

    Args:
        leave_out: lines of the rows that a user chose to leave out.

    Raises:
        DataError: the choices do not fit the table (an unknown column, a pattern that cannot be read).
    """
    chosen = {"template": template, "mapping": mapping, "options": options, "shape": shape, "leave_out": leave_out}
    recipe = Recipe.of(chosen)
    profile = sources.analyze(source_id)
    recipe.check(column.name for column in profile.columns)
    labeler = Labeler(recipe, source_id)
    made = list(labeler.run(sources.few(sources.read(source_id), LOOKED_AT)))
    examples = [item for item in made if isinstance(item, Labeled)]
    total = profile.total_rows
    return Preview(
        examples=examples[:limit],
        rejects=[item for item in made if isinstance(item, Reject)],
        estimated_total=round(len(examples) * total / labeler.read) if labeler.read else 0,
        of_rows=total,
        looked_at=labeler.read,
    )


def start(draft_id: str) -> TaskRecord:
    """Start the conversion that a draft describes; see `start_draft`."""
    return start_draft(draft_id, "conversion", "convert", "Convert", "file", _payload)


def _payload(state: Mapping[str, Any]) -> dict[str, Any]:
    recipe = Recipe.of(state)
    recipe.check(column.name for column in sources.analyze(state["source_id"]).columns)
    sources.account(state["source_id"], recipe).check(recipe.without)
    return {
        "source_id": state["source_id"],
        "validation_source_id": state.get("validation_source_id"),
        "origin": state.get("origin") or "convert",
        **recipe.to_dict(),
    }


def start_with(
    source_id: str,
    *,
    template: str,
    mapping: Mapping[str, Any],
    options: Mapping[str, Any] | None = None,
    leave_out: Sequence[int] = (),
    name: str,
    description: str = "",
    origin: str = "cli",
    without: Iterable[str] = (),
) -> TaskRecord:
    """Draft and start in one call, for the command line."""
    state = {
        "source_id": source_id,
        "template": template,
        "mapping": arguments.mapping(mapping, "mapping"),
        "options": arguments.mapping(options, "options"),
        "leave_out": list(leave_out),
        "name": name,
        "description": description,
        "origin": origin,
        "without": list(without),
    }
    recipe = Recipe.of(state)  # refuse before an unused draft is created
    recipe.check(column.name for column in sources.analyze(source_id).columns)
    sources.account(source_id, recipe).check(recipe.without)
    dataset_writing.check_name(name)
    dataset_writing.check_characters(name, description)
    return start(drafts.create("convert", state, step="convert").id)
