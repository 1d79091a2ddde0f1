"""Step 1 of Import conversations for the studio's own: agent, dates, quality and number."""

from __future__ import annotations

from datetime import date

import streamlit as st

from core.services.serving import agents, feedback
from core.services.serving.feedback import own_chats
from core.services.serving.feedback.own_chats import OwnChats
from pages.data._import_conversations.filters import stamp
from pages.ui import components, navigation
from pages.ui.format import plural
from pages.ui.wizard import ONWARD_KEYS, address

_QUALITY = (
    "70: no problem was found. Good ratings and accepted corrections raise it; bad ratings, refusals, answers that "
    "were cut off and personal data lower it. The review shows each score with its reasons."
)


def from_studio() -> None:
    """The filters, how many conversations match, and the button to the review."""
    components.heading("This studio's conversations", "from Chat, agents and the API")
    with st.container(border=True, gap="small", key="own_chats"):
        asked, title = _filters()
        found = own_chats.count(asked)
        st.markdown(f"**{plural(found, 'conversation')}** {'matches' if found == 1 else 'match'}")
        if st.button(
            "Continue to review",
            type="primary",
            icon=":material/arrow_forward:",
            disabled=not found,
            shortcut=ONWARD_KEYS,
            key="own_chats_now",
        ):
            with st.spinner("Reading the conversations"):
                draft = own_chats.begin(asked, title)
            address.open_draft(draft.id, draft.step)
        if not found:
            navigation.button("Open Chat", "chat", type="tertiary", key="own_chats_none")
    st.caption("Where a correction was accepted, it takes the place of the answer.")


def _filters() -> tuple[OwnChats, str]:
    """The choice, and what it is called."""
    every = agents.list_agents()
    names = {"": "All agents and models"} | {one.id: one.name for one in every}
    models = {"": "All models"} | feedback.answering_models()
    with st.grid(2, min_column_width=200):
        asked_agent = st.query_params.get("agent", "")
        agent_id = components.pick("Agent", names, "own_agent", asked_agent) if every else ""
        model_id = components.pick("Model", models, "own_model")
        since: date | None = st.date_input("From", value=None, format="YYYY-MM-DD", key="own_since")
        until: date | None = st.date_input("To (inclusive)", value=None, format="YYYY-MM-DD", key="own_until")
        quality = st.slider("Minimum quality score", 0, 100, 0, 10, key="own_quality", help=_QUALITY)
        most = st.number_input(
            "Maximum examples", 1, 1_000_000, None, key="own_most", placeholder="All", help="The newest are taken."
        )
    title = names[agent_id] if agent_id else models[model_id] if model_id else "this studio"
    chosen = OwnChats(agent_id, model_id, stamp(since), stamp(until, days=1), quality, int(most) if most else None)
    return chosen, title
