"""The import of conversations as a draft: its steps, and how choices get into it."""

from __future__ import annotations

from core.services.platform.drafts import DraftRecord
from pages.ui.wizard import WizardStep
from pages.ui.wizard.draft_state import save

STEPS = (
    WizardStep(
        "upload",
        "Upload",
        "Import conversations",
        "Turn exported chats into labeled examples: what people asked is the input, what was answered the output.",
        "",
    ),
    WizardStep(
        "roles",
        "Roles",
        "Who is who",
        "How the log was read, and whose messages are inputs and whose are outputs.",
        "Continue to filters",
    ),
    WizardStep(
        "filters",
        "Filters",
        "What to take",
        "Dates, lengths and personal data. Every message that is left out is counted, with its reason.",
        "Continue to review",
    ),
    WizardStep(
        "review",
        "Review",
        "Look at the examples",
        "Keep, edit or drop them one by one, as many as you like; what you decide is kept.",
        "Continue to import",
    ),
    WizardStep("import", "Import", "Import as Dataset", "Give the dataset a name; the rest runs by itself.", ""),
)
IDS = [step.id for step in STEPS]


def recipe(draft: DraftRecord, **changes: object) -> DraftRecord:
    """Change some of the recipe's choices."""
    return save(draft, recipe={**(draft.state.get("recipe") or {}), **changes})


def reading(draft: DraftRecord, **changes: object) -> DraftRecord:
    """Change some of the choices about how the log is read."""
    return save(draft, reading={**(draft.state.get("reading") or {}), **changes})
