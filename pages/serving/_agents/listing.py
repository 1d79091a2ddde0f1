"""The list of agents as cards."""

from __future__ import annotations

from typing import Final

import streamlit as st

from core.services.serving import agents
from core.services.serving.agents import AgentFigures, AgentRecord
from pages.ui import components, dark_soon, listing, navigation
from pages.ui.format import ago, duration, md, md_code, plural, short


def card(agent: AgentRecord) -> None:
    """One agent: its name, what programs call it, its model, and what it has answered."""
    listing.opener(agent.id, agent.name, "agents", {"id": agent.id}, here=True)
    st.caption(f"{md_code(agent.model_name)} · {md(model_line(agent), 90)}")
    if dark := dark_soon.badge_md(agent.id):
        st.markdown(f":small[{dark}]")
    if agent.description:
        st.markdown(f":small[{md(short(agent.description, 140))}]")
    with components.spread(gap="xsmall"):
        st.markdown(f":small[:gray[{figures_line(agents.figures([agent.id])[agent.id])}]]", width="content")
        if agent.archived_at is None and st.button(
            "Talk to it", icon=":material/chat:", type="tertiary", key=f"talk_{agent.id}"
        ):
            navigation.go("chat", {"model": agent.id})


def model_line(agent: AgentRecord) -> str:
    """The models of an agent in a few words."""
    version = agent.version
    line = agents.model_title(version.model_id)
    if version.split:
        line += f" · {version.split.share * 100:g}% to {agents.model_title(version.split.model_id)}"
    return line


def figures_line(figures: AgentFigures) -> str:
    """What an agent has answered, in a few words."""
    if not figures.answers:
        return "No conversation yet"
    parts = [plural(figures.conversations, "conversation"), plural(figures.answers, "answer")]
    if figures.seconds is not None:
        parts.append(f"{duration(figures.seconds)} each")
    return " · ".join([*parts, ago(figures.last_at)])


SCREEN: Final = listing.ListScreen(
    noun="agent",
    title="agent",
    listing=agents.LISTING,
    look_up=dark_soon.with_dates(agents.look_up),
    draw=card,
    archive=agents.archive,
    restore=agents.restore,
    naming=listing.Naming(agents.rename, agents.dependents, agents.delete, longest=agents.MAX_NAME),
    cards=2,
)
