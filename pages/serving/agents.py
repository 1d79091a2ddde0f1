"""Agents: names that answer with a model, a system message and settings; and the conversations with them."""

from __future__ import annotations

from typing import Final

import streamlit as st

from core.services.serving import agents
from pages.serving._agents import detail, form, listing as agent_list, talks
from pages.ui import addressed, components, first_steps, guard, listing, navigation
from pages.ui.errors import boundary

guard.require()

_AGENTS, _TALKS = "agents", "conversations"
_SHOWN: Final = {_AGENTS: "Agents", _TALKS: "Conversations"}
LEAD: Final = "An agent is a name that answers with your model, your system message and your settings."


def overview() -> None:
    """The list of agents, or the conversations."""
    every = bool(agents.newest(limit=1) or agents.newest(archived=True, limit=1))
    models = form.model_titles(None)
    with components.header_row("Agents", LEAD, "Use"):
        if every:
            navigation.button(
                "New agent", "agents", {"new": "yes"}, icon=":material/add:", type="primary", key="new_agent"
            )
    if (every or models) and addressed.switch("Show", _SHOWN, "show", "agents_show") == _TALKS:
        talks.section()
    elif every:
        listing.show(agent_list.SCREEN)
    elif models:
        components.empty(
            "smart_toy",
            "No agent yet",
            "Give a model a name, a system message and starters. Each change is a version that you can undo.",
            "New agent",
            "no_agents",
            opens="agents",
            query={"new": "yes"},
        )
    else:
        first_steps.no_model(
            "smart_toy",
            "No agent yet",
            "An agent is a model with a name, a system message and starters. It needs a model that can answer.",
            "no_agent_model",
        )


with boundary(way_out=("agents", "All agents")):
    asked = st.query_params
    if chosen := asked.get("id", ""):
        agent = agents.get_agent(chosen)
        if asked.get("edit"):
            form.edit(agent)
        else:
            detail.detail(agent)
    elif asked.get("new"):
        form.create(asked["new"])
    else:
        overview()
