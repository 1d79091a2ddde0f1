"""Shutdowns: which models their providers switch off and when, who uses them here, and what to do before."""

from __future__ import annotations

import streamlit as st

from core.services.serving import shutdowns
from pages.platform._shutdowns.actions import change_dialog
from pages.platform._shutdowns.rows import row
from pages.ui import components, guard
from pages.ui.errors import boundary
from pages.ui.format import plural

guard.require()

LEAD = "Models that their providers switch off: when, what uses them here, and what to do before that day."

with boundary():
    with components.header_row("Shutdowns", LEAD, "Studio · Shutdowns"):
        if st.button("Look now", icon=":material/refresh:", key="look_now"):
            shutdowns.look_now()
            st.toast("The lists of your connections are being read.", icon=":material/refresh:")
        if st.button("Enter a date", icon=":material/add:", key="enter_date"):
            change_dialog(None)
    components.section_gap()
    found = shutdowns.calendar()
    used = [record for record in found if record.used_by]
    others = [record for record in found if not record.used_by]
    ahead, off = ([record for record in others if record.is_off is past] for past in (False, True))
    with boundary():
        components.heading("Used here", f"{len(used)}")
        with st.container(border=True, gap="small", key="shutdowns_used"):
            if not used:
                st.caption("No agent, evaluation or tuned model uses a model with a known date.")
            for record in components.divided(used):
                row(record)
    components.section_gap()
    with boundary():
        components.heading("Other known dates", f"{len(ahead)}" if ahead else None)
        with st.container(border=True, gap="small", key="shutdowns_others"):
            if not ahead:
                st.caption("None.")
            for record in components.divided(ahead):
                row(record)
        if off:
            with st.expander(f"{plural(len(off), 'model')} already off", type="compact", key="shutdowns_off"):
                for record in components.divided(off):
                    row(record)
    st.caption(
        "Dates come from the lists of your connections, read once a day, from announcements known to this release, and "
        "from what you enter. A notice is sent 90, 30 and 7 days before a model that is used here goes dark."
    )
