"""What a person can do with a job or a background task: buttons, and a confirmation where something is lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import streamlit as st

from pages.ui.errors import show_error

# action -> (button, icon, tooltip); those of `_ASK` stand in the Stop menu, each with what it costs.
_BUTTONS = {
    "resume": ("Resume", ":material/play_arrow:", "Goes on from the last checkpoint."),
    "retry": ("Retry", ":material/replay:", "Runs again with the same settings, from the last good checkpoint."),
    "keep": (
        "Keep the last checkpoint",
        ":material/save:",
        "Makes a model of the last good checkpoint, without another step.",
    ),
    "pause": ("Pause", ":material/pause:", "Saves a checkpoint at the next step and frees the worker."),
}
_ASK = {
    "stop": (
        "Stop and keep the model",
        ":material/save:",
        "Ends training at the next step and registers what has been learnt so far as a model.",
    ),
    "cancel": (
        "Cancel",
        ":material/cancel:",
        "Ends the work at the next step. No model is made. Checkpoints stay, so Retry can go on from there.",
    ),
}


def buttons(
    actions: Sequence[str], request: Callable[[str], object], key: str, *, asked: str = "", small: bool = False
) -> None:
    """Draw the allowed actions; pressing one calls `request(action)` and reruns the page.

    Args:
        actions: what the state allows now (pause, resume, stop, cancel, retry, keep).
        asked: an action that was requested and is not done yet: it is not offered again.
        small: quiet buttons for a row of a list.
    """
    kind: Literal["secondary", "tertiary"] = "tertiary" if small else "secondary"
    for action, (label, icon, tip) in _BUTTONS.items():
        if action in actions and action != asked and not (action == "pause" and asked):
            st.button(
                label, icon=icon, help=tip, key=f"{key}_{action}", type=kind, on_click=_do, args=(request, action)
            )
    ask = [action for action in _ASK if action in actions and action != asked]
    if not ask or asked == "cancel":  # nothing overwrites a cancel
        return
    label = "Stop" if "stop" in ask else "Cancel"
    icon = ":material/stop:" if "stop" in ask else ":material/close:"
    # What is asked next is another menu and begins closed: a double click on "Stop and keep" shall not meet "Cancel".
    menu = "_".join((key, "ask", *ask))
    with st.popover(label, icon=icon, type=kind, key=menu), st.container(width=300, gap="small"):
        for action in ask:
            name, icon, text = _ASK[action]
            st.caption(text)
            st.button(name, icon=icon, key=f"{key}_{action}", on_click=_do, args=(request, action), width="stretch")


def _do(request: Callable[[str], object], action: str) -> None:
    try:
        request(action)
    except Exception as error:  # the state may have moved on since the button was drawn
        show_error(error)
