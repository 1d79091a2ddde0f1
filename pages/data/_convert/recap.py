"""What a conversion will really use, and how many examples it will create, before it starts."""

from __future__ import annotations

from typing import Any

from core.services.data import conversion, sources
from core.services.data.sources import Analysis, SourceRecord
from core.services.platform.drafts import DraftRecord
from pages.data._convert.draft import first_example
from pages.data._shared.account import account_of, held_out_text
from pages.data._smart import cost as smart_cost
from pages.ui.format import format_setting, number, plural, short

Facts = list[tuple[str, str]]


def recap(draft: DraftRecord, source: SourceRecord, analysis: Analysis) -> Facts:
    """The file and how it is read, what becomes of its columns, and the expected number of examples."""
    state = draft.state
    reading = [
        (choice.title, format_setting(choice.current)) for choice in sources.choices(source.id) if choice.is_changed
    ]
    facts = [("File", source.filename), *reading, ("Rows", number(analysis.total_rows))]
    if state.get("mode") == "smart":
        return facts + smart_cost.recap(state.get("smart") or {}, source.id)
    return [*facts, *_choices(state), *_expected(source, state)]


def _choices(state: dict[str, Any]) -> Facts:
    template = next((item for item in conversion.templates() if item.id == state.get("template")), None)
    if template is None:
        return []
    facts = [("Template", template.title), *conversion.columns_by_part(template.id, state.get("mapping") or {})]
    fields = type(template.make_options({})).model_fields
    for name, value in template.make_options(state.get("options") or {}).model_dump().items():
        if value != fields[name].default and value not in ("", None, [], ()):
            facts.append((fields[name].title or name, _said(fields[name].json_schema_extra, value)))
    if not any(name == fields["system"].title for name, _ in facts):
        facts.append((fields["system"].title or "", "none"))
    if lines := state.get("leave_out"):
        facts.append(("Left out by choice", plural(len(lines), "total row")))
    if without := state.get("without"):
        facts.append(("Continued without", ", ".join(without)))
    return facts


def _said(extra: Any, value: Any) -> str:
    labels = extra.get("labels", {}) if isinstance(extra, dict) else {}
    return short(str(labels.get(str(value), format_setting(value))), 240)


def _expected(source: SourceRecord, state: dict[str, Any]) -> Facts:
    preview = first_example(state)
    about = "about " if preview.looked_at < preview.of_rows else ""
    facts = [("Labeled examples", f"{about}{number(preview.estimated_total)}")]
    if preview.rejects:
        of = f"the first {number(preview.looked_at)}" if about else number(preview.of_rows)
        facts.append(("Rows left out", f"{number(len(preview.rejects))} of {of}"))
    without, share = state.get("without") or (), state.get("hold_out")
    split = held_out_text(
        account_of(source.id, state, str(source.detection.to_dict())), without, preview.estimated_total, share, about
    )
    return [*facts, ("Held out for validation", split)]
