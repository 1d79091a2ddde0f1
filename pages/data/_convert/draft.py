"""The wizard's state: a row in the database, of which the widgets are only a view."""

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
        "Turn any table into labeled examples: you say what is the input and what the output.",
        "Continue to analyze",
    ),
    WizardStep(
        "analyze",
        "Analyze",
        "What is in the file",
        "How the file was read, what its columns hold, and what the studio suggests.",
        "Continue to mode",
    ),
    WizardStep("mode", "Mode", "How examples are made", "Choose who writes the examples.", "Continue to configure"),
    WizardStep(
        "configure",
        ("Configure", "Set up"),
        "Match your columns",
        "Pick a shape for the examples, then say which column fills each part.",
        "Continue to preview",
    ),
    WizardStep(
        "preview",
        "Preview",
        "Look before you convert",
        "Sample conversions, and how many labeled examples the whole file will give.",
        "Continue to convert",
    ),
    WizardStep(
        "convert", "Convert", "Convert & Create Dataset", "Give the dataset a name; the rest runs by itself.", ""
    ),
)
IDS = [step.id for step in STEPS]
SMART_HEADS = {  # title and sentence of the steps that differ where a language model writes the examples
    "configure": (
        "Tell the model what to write",
        "Who writes, what it sees of each row, what it is asked, and the cost.",
    ),
    "preview": ("Look before you pay", "Three rows written for real, and what the whole file will take."),
}
ONWARD_KEYS = "Ctrl+Enter"


def is_under_way(draft: DraftRecord) -> bool:
    """Whether the draft became a task that has not failed: then only the last step has something to show.

    A conversion that failed or was cancelled can be looked at there too, until the person goes back to change it.
    """
    if not draft.result_id:
        return False
    return draft.step == "convert" or tasks.get_task(draft.result_id).state not in ("failed", "cancelled")


def source_of(draft: DraftRecord) -> SourceRecord:
    """The file that the draft is about. Raises NotFound when it is gone."""
    return sources.get(str(draft.state.get("source_id", "")))


def begin(source_id: str) -> None:
    """Make a draft for a stored file and open its second step."""
    draft = drafts.create("convert", {"source_id": source_id}, "analyze")
    st.query_params["draft"] = draft.id
    st.rerun()
