"""The steps of Convert data and the draft that stores the choices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from core.services.data import conversion, sources
from core.services.data.sources import SourceRecord
from core.services.platform import drafts, tasks
from core.services.platform.drafts import DraftRecord
from pages.ui.wizard import Wizard, WizardStep, address
from pages.ui.wizard.draft_state import save

_STEPS = (
    WizardStep(
        "upload",
        "Upload",
        "Convert data",
        "Turn any table into labeled examples: you choose what the input is and what the output is.",
        "Continue to analyze",
    ),
    WizardStep(
        "analyze",
        "Analyze",
        "Your file",
        "How the file was read, what its columns contain, and which template fits.",
        "Continue to mode",
    ),
    WizardStep("mode", "Mode", "How to create examples", "Choose who writes the examples.", "Continue to configure"),
    WizardStep(
        "configure",
        ("Configure", "Set up"),
        "Match your columns",
        "Choose a template, then the column for each part.",
        "Continue to preview",
    ),
    WizardStep(
        "preview",
        "Preview",
        "Check before you convert",
        "Sample conversions, and how many labeled examples the file will yield.",
        "Continue to convert",
    ),
    WizardStep(
        "convert",
        "Convert",
        "Convert & Create Dataset",
        "Name the dataset, then start the conversion. It runs in the background.",
        "",
    ),
)
WIZARD = Wizard("Convert data", "convert", _STEPS)
IDS = WIZARD.ids
SMART_HEADS = {  # title and sentence of the steps that differ where a language model writes the examples
    "configure": ("Tell the model what to write", "The model, the columns it sees, its instructions, and the cost."),
    "preview": ("Check before the full run", "Examples from three rows, and the cost of the full file."),
}


def is_under_way(draft: DraftRecord) -> bool:
    """Whether the draft was started and every step shows the conversion: so does Back.

    A failed or cancelled conversion is shown until the person chooses to change something (`change`).
    """
    if not draft.result_id:
        return False
    task = tasks.get_task(draft.result_id)
    return task.state not in ("failed", "cancelled") or draft.state.get("changes") != task.id


def change(draft: DraftRecord) -> NoReturn:
    """Open the choices of a failed or cancelled conversion again."""
    address.open_draft(save(draft, changes=draft.result_id).id, "configure")


def source_of(draft: DraftRecord) -> SourceRecord:
    """The draft's file. Raises NotFound when it was deleted."""
    return sources.get(str(draft.state.get("source_id", "")))


def begin(source_id: str) -> NoReturn:
    """Create a draft for a stored file and open its second step."""
    draft = drafts.create("convert", {"source_id": source_id}, "analyze")
    address.open_draft(draft.id, draft.step)


def first_example(state: Mapping[str, Any]) -> conversion.Preview:
    """The preview of the choices so far, with one example, and the number of examples they would give."""
    return conversion.preview(
        state["source_id"],
        state.get("template"),
        state.get("mapping"),
        state.get("options"),
        limit=1,
        leave_out=state.get("leave_out") or (),
    )
