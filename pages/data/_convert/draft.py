"""The wizard's state: a row in the database, of which the widgets are only a view."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core.services.data import sources
from core.services.data.sources import SourceRecord
from core.services.platform import drafts, tasks
from core.services.platform.drafts import DraftRecord
from pages.ui.wizard.draft_state import drawn, key, load, meant, renew, save

__all__ = [
    "IDS",
    "ONWARD_KEYS",
    "STEPS",
    "Step",
    "begin",
    "drawn",
    "is_under_way",
    "key",
    "load",
    "meant",
    "renew",
    "save",
    "source_of",
]


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its id in the draft, its word in the header (and a shorter one), title and sentence, and the way on.

    `smart` is the title and sentence where a model writes the examples.
    """

    id: str
    word: str | tuple[str, str]
    title: str
    lead: str
    onward: str
    smart: tuple[str, str] | None = None


STEPS = (
    Step(
        "upload",
        "Upload",
        "Convert data",
        "Turn any table into labeled examples: you say what is the input and what the output.",
        "Continue to analyze",
    ),
    Step(
        "analyze",
        "Analyze",
        "What is in the file",
        "How the file was read, what its columns hold, and what the studio suggests.",
        "Continue to mode",
    ),
    Step("mode", "Mode", "How examples are made", "Choose who writes the examples.", "Continue to configure"),
    Step(
        "configure",
        ("Configure", "Set up"),
        "Match your columns",
        "Pick a shape for the examples, then say which column fills each part.",
        "Continue to preview",
        (
            "Tell the model what to write",
            "Who writes, what it sees of each row, what it is asked, and the cost.",
        ),
    ),
    Step(
        "preview",
        "Preview",
        "Look before you convert",
        "Sample conversions, and how many labeled examples the whole file will give.",
        "Continue to convert",
        ("Look before you pay", "Three rows written for real, and what the whole file will take."),
    ),
    Step("convert", "Convert", "Convert & Create Dataset", "Give the dataset a name; the rest runs by itself.", ""),
)
IDS = [step.id for step in STEPS]
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
