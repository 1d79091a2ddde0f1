"""The wizard's state: a row in the database, of which the widgets are only a view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.services import drafts, sources, tasks
from core.services.drafts import DraftRecord
from core.services.sources import SourceRecord


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its id in the draft, its word in the header (and a shorter one), title and sentence, and the way on."""

    id: str
    word: str | tuple[str, str]
    title: str
    lead: str
    onward: str


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
    ),
    Step(
        "preview",
        "Preview",
        "Look before you convert",
        "Sample conversions, and how many labeled examples the whole file will give.",
        "Continue to convert",
    ),
    Step("convert", "Convert", "Convert & Create Dataset", "Give the dataset a name; the rest runs by itself.", ""),
)
IDS = [step.id for step in STEPS]
ONWARD_KEYS = "Ctrl+Enter"


def load(draft_id: str) -> DraftRecord:
    """The draft as it is now. A change from another window gives every widget a new key: none shows old news.

    What was just chosen here goes with the old key, so the person is told.
    """
    draft = drafts.get(draft_id)
    seen = st.session_state.setdefault(_memory(draft.id), {"revision": draft.revision, "turn": draft.revision})
    if seen["revision"] != draft.revision:
        seen.update(revision=draft.revision, turn=draft.revision)
        st.toast(
            "This draft was changed in another window. You see its newest choices; check what you last chose here.",
            icon=":material/sync:",
            duration="long",
        )
    return draft


def save(draft: DraftRecord, step: str | None = None, **state: Any) -> DraftRecord:
    """Keep choices (and the step); nothing is written when nothing changed."""
    same = all(name in draft.state and draft.state[name] == value for name, value in state.items())
    if same and step in (None, draft.step):
        return draft
    changed = drafts.update(draft.id, draft.revision, state, step)
    st.session_state[_memory(draft.id)]["revision"] = changed.revision
    return changed


def renew(draft: DraftRecord) -> None:
    """Let every widget begin again from the draft's state."""
    st.session_state[_memory(draft.id)]["turn"] = f"{draft.revision}n"


def key(draft: DraftRecord, name: str) -> str:
    """The key of a widget of this draft."""
    return f"{name}_{draft.id}_{st.session_state[_memory(draft.id)]['turn']}"


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


def _memory(draft_id: str) -> str:
    return f"draft_{draft_id}"
