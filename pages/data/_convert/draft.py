"""The steps of Convert data and the draft that stores the choices."""

from __future__ import annotations

import streamlit as st

from core.services.data import sources
from core.services.data.sources import SourceRecord
from core.services.platform import drafts, tasks
from core.services.platform.drafts import DraftRecord
from pages.ui.wizard import WizardStep

STEPS = (
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
IDS = [step.id for step in STEPS]
SMART_HEADS = {  # title and sentence of the steps that differ where a language model writes the examples
    "configure": ("Tell the model what to write", "The model, the columns it sees, its instructions, and the cost."),
    "preview": ("Check before you pay", "Examples from three rows, and the cost of the full file."),
}


def is_under_way(draft: DraftRecord) -> bool:
    """Whether the draft was started and only the last step matters.

    A failed or cancelled conversion stays on the last step until the person goes back to change something.
    """
    if not draft.result_id:
        return False
    return draft.step == "convert" or tasks.get_task(draft.result_id).state not in ("failed", "cancelled")


def source_of(draft: DraftRecord) -> SourceRecord:
    """The draft's file. Raises NotFound when it was deleted."""
    return sources.get(str(draft.state.get("source_id", "")))


def begin(source_id: str) -> None:
    """Create a draft for a stored file and open its second step."""
    draft = drafts.create("convert", {"source_id": source_id}, "analyze")
    st.query_params["draft"] = draft.id
    st.rerun()
