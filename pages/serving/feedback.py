"""Feedback: corrections reviewed one by one, ratings, and the dataset that is made of both."""

from __future__ import annotations

import streamlit as st

from core.services.serving import agents, chat, feedback
from pages.serving._feedback import making, ratings, review
from pages.ui import addressed, components, first_steps, guard
from pages.ui.errors import boundary

guard.require()

LEAD = "What people think of the answers. An accepted correction becomes a labeled example and a preference pair."


def screen() -> None:
    """The queue of one state, or the ratings."""
    subjects = {"": "All models"} | feedback.judged_models()
    named = {"": "All agents"} | {agent.id: agent.name for agent in agents.list_agents()}
    votes = feedback.tally()[0]
    counts = feedback.look_up(feedback.wanted(), limit=0)[1]
    with components.header_row("Feedback", LEAD, "Use"):
        if votes or any(counts.values()):
            asked = st.query_params
            making.button(asked.get("model", ""), asked.get("agent", ""), primary=asked.get("show") == "accepted")
    if not votes and not any(counts.values()) and not chat.available_models():
        first_steps.no_model(
            "reviews",
            "No feedback yet",
            "A model answers in Chat; people rate or correct its answers. What you accept becomes training data.",
            "no_feedback_model",
        )
        return
    if not votes and not any(counts.values()):
        components.empty(
            "reviews",
            "No feedback yet",
            "Rate an answer in Chat with a thumb, or correct it. What you accept here becomes training data.",
            "Open Chat",
            "no_feedback",
            opens="chat",
        )
        return
    titles = {
        "new": f"To review ({counts['new']:,})",
        "accepted": f"Accepted ({counts['accepted']:,})",
        "rejected": f"Rejected ({counts['rejected']:,})",
        "ratings": f"Ratings ({votes:,})",
    }
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="feedback_bar"):
        show = addressed.switch("Show", titles, "show", "feedback_show")
        agent_id = addressed.pick("Agent", named, "agent", "feedback_agent", "", width=170) if len(named) > 1 else ""
        model_id = addressed.pick("Model", subjects, "model", "feedback_model", "", width=200)
        search = ""
        if show != "ratings":
            search = st.text_input("Search", placeholder="Text or person", key="feedback_search", width=170) or ""
    if show == "ratings":
        ratings.listing(agent_id, model_id)
    else:
        review.queue(feedback.wanted(show, agent_id, model_id, search))


with boundary():
    screen()
