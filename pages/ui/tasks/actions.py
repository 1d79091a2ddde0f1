"""The actions for a job or background task: buttons, with a confirmation if something would be lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import streamlit as st

from pages.ui.errors import boundary

# action -> (button, icon, tooltip); the actions of `CONFIRMED` are in the Stop menu, each with its consequence.
BUTTONS = {
    "resume": ("Resume", ":material/play_arrow:", "Continues from the last checkpoint."),
    "retry": ("Retry", ":material/replay:", "Runs again with the same settings, from the last good checkpoint."),
    "keep": (
        "Keep the last checkpoint",
        ":material/save:",
        "Saves the last good checkpoint as a model, without training further.",
    ),
    "pause": ("Pause", ":material/pause:", "Saves a checkpoint at the next step and frees the worker."),
}
CONFIRMED = {
    "stop": (
        "Stop and keep the model",
        ":material/save:",
        "Ends training at the next step and saves the current weights as a model.",
    ),
    "cancel": (
        "Cancel",
        ":material/cancel:",
        "Ends training at the next step without a model. Checkpoints are kept, so Retry can continue from there.",
    ),
}


def buttons(
    actions: Sequence[str], request: Callable[[str], object], key: str, *, asked: str = "", small: bool = False
) -> None:
    """Draw the allowed actions; pressing one calls `request(action)` and reruns the page.

    Args:
        actions: what the state allows now (pause, resume, stop, cancel, retry, keep).
        asked: an action that was requested and is not completed yet; it is not offered again.
        small: text buttons, for a row of a list.
    """
    kind: Literal["secondary", "tertiary"] = "tertiary" if small else "secondary"
    for action, (label, icon, tip) in BUTTONS.items():
        if action in actions and action != asked and not (action == "pause" and asked):
            st.button(
                label, icon=icon, help=tip, key=f"{key}_{action}", type=kind, on_click=_do, args=(request, action)
            )
    ask = [action for action in CONFIRMED if action in actions and action != asked]
    if not ask or asked == "cancel":  # a cancel cannot be replaced by another action
        return
    label = "Stop" if "stop" in ask else "Cancel"
    icon = ":material/stop:" if "stop" in ask else ":material/close:"
    # Another set of actions gets another key, so that its menu starts closed: the second press of a double click on
    # "Stop and keep" must not hit "Cancel".
    menu = "_".join((key, "ask", *ask))
    with st.popover(label, icon=icon, type=kind, key=menu), st.container(width=300, gap="small"):
        for action in ask:
            name, icon, text = CONFIRMED[action]
            st.caption(text)
            st.button(name, icon=icon, key=f"{key}_{action}", on_click=_do, args=(request, action), width="stretch")


def _do(request: Callable[[str], object], action: str) -> None:
    with boundary():  # the state may have changed since the button was drawn
        request(action)
