"""A wizard's draft in this window: the revision it shows, and widget keys that change when another window saves."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.services.platform import drafts
from core.services.platform.drafts import DraftRecord

CHANGED_ELSEWHERE = "This draft was changed in another window. You now see those changes; check your last choice here."


def load(draft_id: str) -> DraftRecord:
    """The current draft. After a change in another window every widget gets a new key, so that none shows an old value.

    The latest choice in this window is lost with the old key, so a toast says so.
    """
    draft = drafts.get(draft_id)
    seen = st.session_state.setdefault(_memory(draft.id), {"revision": draft.revision, "turn": draft.revision})
    if seen["revision"] != draft.revision:
        seen.update(revision=draft.revision, turn=draft.revision)
        st.toast(CHANGED_ELSEWHERE, icon=":material/sync:", duration="long")
    return draft


def first_shown(draft: DraftRecord, number: int) -> int:
    """The step that an address without a step showed first in this window; `number` the first time."""
    shown: int = st.session_state[_memory(draft.id)].setdefault("first_shown", number)
    return shown


def save(draft: DraftRecord, step: str | None = None, **state: Any) -> DraftRecord:
    """Save choices (and the step); nothing is written if nothing changed.

    Raises:
        Conflict: another window saved after this one was drawn.
    """
    same = all(name in draft.state and draft.state[name] == value for name, value in state.items())
    if same and step in (None, draft.step):
        return draft
    memory = st.session_state.setdefault(_memory(draft.id), {"revision": draft.revision, "turn": draft.revision})
    changed = drafts.update(draft.id, memory["revision"], state, step)  # a script may save twice
    memory["revision"] = changed.revision
    return changed


def drawn(draft: DraftRecord, step: str) -> None:
    """Record, at the end of the script, that this window now shows this step."""
    memory = st.session_state[_memory(draft.id)]
    memory.update(shown=step, shown_revision=memory["revision"])


def meant(draft: DraftRecord, step: str) -> bool:
    """Whether Continue or Back was pressed on this step.

    Every step has these buttons. The second press of a double click, or a press in a window that does not show the
    newest step yet, was meant for the step before and must not skip this one.
    """
    return st.session_state[_memory(draft.id)].get("shown") in (None, step)


def seen(draft: DraftRecord) -> bool:
    """Whether this window showed the draft's newest choices before the current press, so that a job is launched with
    what its user saw, not with what another window saved since."""
    return st.session_state[_memory(draft.id)].get("shown_revision") in (None, draft.revision)


def renew(draft: DraftRecord) -> None:
    """Reset every widget to the draft's state."""
    st.session_state[_memory(draft.id)]["turn"] = f"{draft.revision}n"


def key(draft: DraftRecord, name: str) -> str:
    """The key of a widget of this draft."""
    return f"{name}_{draft.id}_{st.session_state.get(_memory(draft.id), {}).get('turn', 0)}"


def _memory(draft_id: str) -> str:
    return f"draft_{draft_id}"
