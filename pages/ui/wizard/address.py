"""The step of a wizard is part of its address: the browser's Back and Forward go through the steps.

The draft remembers the furthest step that was reached; every step up to it can be opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import streamlit as st

from core.services.platform.drafts import DraftRecord
from pages.ui.wizard import draft_state

STEP = "step"


def query(draft_id: str, step: str) -> dict[str, str]:
    """The query parameters of a step."""
    return {"draft": draft_id, STEP: step}


def reached(draft: DraftRecord, ids: Sequence[str]) -> int:
    """The index of the furthest step that can be opened."""
    return ids.index(draft.step) if draft.step in ids else 0


def shown(draft: DraftRecord, ids: Sequence[str]) -> str:
    """The step in the address, at most the furthest one that was reached.

    An address without a step shows the furthest one, and in this window remains on it, so that Back returns to it.
    """
    last = reached(draft, ids)
    wanted = st.query_params.get(STEP, "")
    if wanted not in ids:
        return ids[min(draft_state.first_shown(draft, last), last)]
    if ids.index(wanted) > last:
        st.query_params[STEP] = ids[last]
        return ids[last]
    return wanted


def open_draft(draft_id: str, step: str) -> NoReturn:
    """Show a step of a draft on this screen, as the next entry of the browser's history."""
    st.query_params.from_dict(query(draft_id, step))
    st.rerun()


def onward(draft: DraftRecord, step: str, ids: Sequence[str]) -> NoReturn:
    """Show the next step, and remember that it was reached."""
    if ids.index(step) > reached(draft, ids):
        draft_state.save(draft, step=step)
    open_draft(draft.id, step)


def only_up_to(draft: DraftRecord, step: str, ids: Sequence[str]) -> None:
    """Close the steps after this one, which is not complete (any more)."""
    if ids.index(step) < reached(draft, ids):
        draft_state.save(draft, step=step)
        st.rerun()
