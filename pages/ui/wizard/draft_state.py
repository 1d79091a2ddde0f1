"""A wizard's draft in this window: which revision it shows, and widget keys that change when another window wrote."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.services.platform import drafts
from core.services.platform.drafts import DraftRecord


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
    """Keep choices (and the step); nothing is written when nothing changed.

    Raises:
        Conflict: another window wrote since this one was drawn.
    """
    same = all(name in draft.state and draft.state[name] == value for name, value in state.items())
    if same and step in (None, draft.step):
        return draft
    memory = st.session_state.setdefault(_memory(draft.id), {"revision": draft.revision, "turn": draft.revision})
    changed = drafts.update(draft.id, memory["revision"], state, step)  # not the record's: a script may save twice
    memory["revision"] = changed.revision
    return changed


def drawn(draft: DraftRecord, step: str) -> None:
    """Say, at the end of the script, that this window shows this step now."""
    memory = st.session_state[_memory(draft.id)]
    memory.update(shown=step, shown_revision=memory["revision"])


def meant(draft: DraftRecord, step: str) -> bool:
    """Whether a press of "on" or "back" was made on this step.

    Each step has these buttons. A second click, or one in a window that has not seen yet what another did, was made on
    the step before: it must not pass over this one.
    """
    return st.session_state[_memory(draft.id)].get("shown") in (None, step)


def seen(draft: DraftRecord) -> bool:
    """Whether this window showed the draft's newest choices before the press that is handled now: what is launched is
    what a person saw, not what another window wrote since."""
    return st.session_state[_memory(draft.id)].get("shown_revision") in (None, draft.revision)


def renew(draft: DraftRecord) -> None:
    """Let every widget begin again from the draft's state."""
    st.session_state[_memory(draft.id)]["turn"] = f"{draft.revision}n"


def key(draft: DraftRecord, name: str) -> str:
    """The key of a widget of this draft."""
    return f"{name}_{draft.id}_{st.session_state.get(_memory(draft.id), {}).get('turn', 0)}"


def _memory(draft_id: str) -> str:
    return f"draft_{draft_id}"
