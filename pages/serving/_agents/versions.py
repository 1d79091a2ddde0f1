"""The versions of an agent: what changed, by whom and why, and one click back."""

from __future__ import annotations

from typing import Final

import streamlit as st

from core.services.serving import agents
from core.services.serving.agents import AgentDifference, AgentRecord, AgentVersionRecord
from pages.ui import components, person
from pages.ui.errors import boundary
from pages.ui.examples import word_diff
from pages.ui.format import ago, md, plural

PER_PAGE: Final = 8


def section(agent: AgentRecord) -> None:
    """All versions, the newest first."""
    found = agents.versions(agent.id)
    components.section_gap()
    components.heading("Versions", plural(len(found), "version"))
    with st.container(border=True, gap="xsmall", key="agent_versions"):
        shown = components.page_of(found, PER_PAGE, "agent_versions_page")
        before = {version.number: version for version in found}
        for version in components.divided(shown):
            _row(agent, version, before.get(version.number - 1))
        components.pages(len(found), PER_PAGE, "agent_versions_page")


def _row(agent: AgentRecord, version: AgentVersionRecord, before: AgentVersionRecord | None) -> None:
    current = version.number == agent.version.number
    with components.spread(gap="small", key=f"agent_version_{version.number}"):
        with st.container(gap=None, width="stretch"):
            badge = f" {components.badge_md('Current', 'blue')}" if current else ""
            st.markdown(f"**Version {version.number}**{badge}")
            by = f" by {md(version.author, 60)}" if version.author else ""
            st.caption(f"{ago(version.created_at)}{by}")
            if version.note:
                st.markdown(f":small[{md(version.note)}]")
        if not current and st.button(
            "Roll back", icon=":material/undo:", type="tertiary", key=f"roll_back_{version.number}"
        ):
            with boundary():
                agents.roll_back(agent.id, version.number, author=person.name(), seen=agent.version.number)
                st.toast(f"Version {version.number} is back", icon=":material/undo:")
                st.rerun()
    if before is None:
        return
    box = st.expander("What changed", key=f"changed_{version.number}", type="compact", on_change="rerun")
    if box.open:
        with box:
            for difference in agents.differences(before, version):
                _difference(difference)


def _difference(difference: AgentDifference) -> None:
    """One field, its words before and after side by side."""
    left, right = st.columns(2, gap="medium")
    sides = ((left, difference.before, difference.after, "old"), (right, difference.after, difference.before, "new"))
    for column, text, other, side in sides:
        marked = word_diff.marked(text, other) or "(none)"  # escaped
        column.html(f'<small>{difference.title}</small><div class="shown diff-{side}" dir="auto">{marked}</div>')
