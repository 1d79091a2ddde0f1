"""The import of conversations as a draft: its steps, and how choices get into it."""

from __future__ import annotations

from dataclasses import dataclass

from core.services.platform.drafts import DraftRecord
from pages.ui.wizard import draft_state

load, save, key, renew = draft_state.load, draft_state.save, draft_state.key, draft_state.renew
drawn, meant = draft_state.drawn, draft_state.meant


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its id in the draft, its word in the header, title and sentence, and the way on."""

    id: str
    word: str
    title: str
    lead: str
    onward: str


STEPS = (
    Step(
        "upload",
        "Upload",
        "Import conversations",
        "Turn exported chats into labeled examples: what people asked is the input, what was answered the output.",
        "",
    ),
    Step(
        "roles",
        "Roles",
        "Who is who",
        "How the log was read, and whose messages are inputs and whose are outputs.",
        "Continue to filters",
    ),
    Step(
        "filters",
        "Filters",
        "What to take",
        "Dates, lengths and personal data. Every message that is left out is counted, with its reason.",
        "Continue to review",
    ),
    Step(
        "review",
        "Review",
        "Look at the examples",
        "Keep, edit or drop them one by one, as many as you like; what you decide is kept.",
        "Continue to import",
    ),
    Step("import", "Import", "Import as Dataset", "Give the dataset a name; the rest runs by itself.", ""),
)
IDS = [step.id for step in STEPS]


def recipe(draft: DraftRecord, **changes: object) -> DraftRecord:
    """Change some of the recipe's choices."""
    return save(draft, recipe={**(draft.state.get("recipe") or {}), **changes})


def reading(draft: DraftRecord, **changes: object) -> DraftRecord:
    """Change some of the choices about how the log is read."""
    return save(draft, reading={**(draft.state.get("reading") or {}), **changes})
