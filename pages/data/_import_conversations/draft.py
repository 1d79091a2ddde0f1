"""The steps of Import conversations and the draft that stores the choices."""

from __future__ import annotations

from core.services.platform.drafts import DraftRecord
from pages.ui.wizard import Wizard, WizardStep
from pages.ui.wizard.draft_state import save

_STEPS = (
    WizardStep(
        "upload",
        "Upload",
        "Import conversations",
        "Turn exported chats into labeled examples: the questions are the inputs, the answers the outputs.",
        "",
    ),
    WizardStep(
        "roles",
        "Roles",
        "Assign roles",
        "How the log was read, and whose messages are inputs and outputs.",
        "Continue to filters",
    ),
    WizardStep(
        "filters",
        "Filters",
        "Choose what to import",
        "Dates, lengths and personal data. Every message that is left out is counted with the reason.",
        "Continue to review",
    ),
    WizardStep(
        "review",
        "Review",
        "Review the examples",
        "Keep, edit or drop examples one by one. Your decisions are saved.",
        "Continue to import",
    ),
    WizardStep(
        "import",
        "Import",
        "Import as Dataset",
        "Name the dataset, then start the import. It runs in the background.",
        "",
    ),
)
WIZARD = Wizard("Import conversations", "chats", _STEPS)
IDS = WIZARD.ids


def recipe(draft: DraftRecord, **changes: object) -> DraftRecord:
    """Change some of the recipe's choices."""
    return save(draft, recipe={**(draft.state.get("recipe") or {}), **changes})


def reading(draft: DraftRecord, **changes: object) -> DraftRecord:
    """Change some of the options for reading the log."""
    return save(draft, reading={**(draft.state.get("reading") or {}), **changes})
