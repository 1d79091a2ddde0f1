"""How each state looks: its word, color and icon."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from pages.ui.theme import Color


@dataclass(frozen=True, slots=True)
class State:
    """The word, color and icon of a state, and what it means."""

    word: str
    color: Color
    icon: str
    meaning: str = ""


# By the ids that the core uses.
STATES: dict[str, State] = {
    "pending": State("Pending", "orange", ":material/schedule:", "waiting in queue"),
    "validating": State("Validating", "blue", ":material/rule:", "checking dataset"),
    "queued": State("Queued", "orange", ":material/hourglass_empty:", "in the provider's queue"),
    "running": State("Running", "blue", ":material/progress_activity:", "training in progress"),
    "paused": State("Paused", "gray", ":material/pause_circle:", "waiting to be resumed"),
    "succeeded": State("Succeeded", "green", ":material/check_circle:", "training complete"),
    "failed": State("Failed", "red", ":material/error:", "training failed"),
    "cancelled": State("Cancelled", "gray", ":material/stop_circle:", "manually stopped"),
    "validated": State("Validated", "green", ":material/verified:", "ready for training"),
    "not_validated": State("Not validated", "gray", ":material/help:", "not checked yet"),
    "active": State("Active", "green", ":material/bolt:"),
    "archived": State("Archived", "gray", ":material/inventory_2:"),
}


def state_of(state: str) -> State:
    """The look of a state; an unknown one, such as a new state of a provider, is shown as it is, in gray."""
    return STATES.get(state.lower().replace(" ", "_")) or State(state, "gray", ":material/help:")


def badge(state: str, *, help: str | None = None) -> None:
    """Draw the badge of a state."""
    look = state_of(state)
    st.badge(look.word, color=look.color, icon=look.icon, help=help)


def badge_md(state: str) -> str:
    """The badge of a state inside a line of markdown."""
    look = state_of(state)
    return f":{look.color}-badge[{look.icon} {look.word}]"
