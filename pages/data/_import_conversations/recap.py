"""What an import of conversations will really use, before it starts."""

from __future__ import annotations

from core.services.data import chat_import
from core.services.data.chat_import import ChatRecipe
from core.services.data.chat_import.review_list import ImportPlan
from core.services.data.datasets.writing import held_out
from core.services.data.sources import SourceRecord
from core.services.platform.drafts import DraftRecord
from pages.data._import_conversations.filters import LAYOUTS, LENGTHS
from pages.ui.format import day, number, short

_ROLES = {"user": "User", "assistant": "Assistant", "system": "Instructions", "leave": "Left out"}
_NAMED = 6  # speakers of a role


def recap(draft: DraftRecord, source: SourceRecord, plan: ImportPlan) -> list[tuple[str, str]]:
    """The log, who is who, the filters, the review, and the split."""
    chosen = chat_import.choices(draft.state)
    rules = chosen.recipe
    titles = {item.id: item.title for item in chat_import.formats()}
    validation = held_out(plan.imported, draft.state.get("hold_out"))
    return [
        ("Log", f"{source.filename}, read as {titles.get(source.format, source.format)}"),
        *_speakers(draft, rules),
        ("One example is", LAYOUTS[rules.layout].lower()),
        *([("Instructions", short(rules.system, 200))] if rules.system else []),
        *_filters(rules),
        ("Personal data", _redaction(rules)),
        ("Review", f"{number(plan.decided)} reviewed, {number(plan.edited)} edited, {number(plan.dropped)} dropped"),
        ("Labeled examples", number(plan.imported)),
        ("Held out for validation", f"{number(validation)}, never trained on" if validation else "none"),
    ]


def _speakers(draft: DraftRecord, rules: ChatRecipe) -> list[tuple[str, str]]:
    if rules.by_order:
        return [("Roles", "the first speaker is the user, all others the assistant")]
    chosen = chat_import.choices(draft.state)
    log = chat_import.summary(chosen.source_id, chosen.options)
    by_role: dict[str, list[str]] = {}
    for speaker in log.speakers:
        by_role.setdefault(rules.roles.get(speaker.id, rules.others), []).append(speaker.name)
    return [(_ROLES[role], _named(by_role[role])) for role in _ROLES if role in by_role]


def _named(names: list[str]) -> str:
    more = f" and {number(len(names) - _NAMED)} more" if len(names) > _NAMED else ""
    return ", ".join(short(name, 40) for name in names[:_NAMED]) + more


def _filters(rules: ChatRecipe) -> list[tuple[str, str]]:
    """Only what leaves something out."""
    facts = []
    if rules.since is not None or rules.until is not None:
        first = day(rules.since) if rules.since is not None else "the first message"
        last = day(rules.until - 1) if rules.until is not None else "the last one"
        facts.append(("Dates", f"{first} to {last}"))
    for name in LENGTHS:
        field, value = ChatRecipe.model_fields[name], getattr(rules, name)
        if value != field.default:
            unit = (field.json_schema_extra or {}).get("unit", "") if isinstance(field.json_schema_extra, dict) else ""
            facts.append((field.title or name, f"{number(value)} {unit}".strip()))
    facts.append(("Duplicates", "left out" if rules.drop_duplicates else "included"))
    return facts


def _redaction(rules: ChatRecipe) -> str:
    if not rules.redact:
        return "stays in the examples"
    return "redacted, with the speakers' names" if rules.redact_names else "redacted; the speakers' names stay"
