"""The actions for a job or background task: buttons, with a confirmation if something would be lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from core.services.platform import tasks
from pages.ui import overrides
from pages.ui.errors import boundary

# action -> (button, icon, tooltip); the actions that end the work are in the Stop menu (`endings`).
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


@dataclass(frozen=True, slots=True)
class Ending:
    """An action that ends the work: its button in the menu, its icon, and the consequence."""

    label: str
    icon: str
    consequence: str


def endings(kind: str) -> dict[str, Ending]:
    """The actions that end a task of this kind, each with what is kept: no button says only *Cancel*, which could also
    mean to close the menu."""
    known = tasks.kind(kind)
    if known.can_keep:
        return {
            "stop": Ending(
                "Stop and keep the model",
                ":material/save:",
                "Ends training at the next step and saves the current weights as a model.",
            ),
            "cancel": Ending(
                "Stop without a model",
                ":material/cancel:",
                "Ends training at the next step without a model. Checkpoints are kept, so Retry can continue from "
                "there.",
            ),
        }
    made = "version" if known.changes_dataset else "dataset" if known.makes_version else "result"
    return {
        "stop": Ending(
            "Stop and keep what is done",
            ":material/save:",
            f"Ends here and creates the {made} from the finished rows.",
        ),
        "cancel": Ending(
            f"Stop without a {made}",
            ":material/cancel:",
            f"Ends here without a {made}."
            + (" The finished rows are saved for a later retry." if known.can_pause else ""),
        ),
    }


def buttons(
    actions: Sequence[str],
    request: Callable[[str], object],
    key: str,
    *,
    kind: str,
    asked: str = "",
    small: bool = False,
) -> None:
    """Draw the allowed actions; pressing one calls `request(action)` and reruns the page.

    Args:
        actions: what the state allows now (pause, resume, stop, cancel, retry, keep).
        kind: of the task.
        asked: an action that was requested and is not completed yet; it is not offered again.
        small: text buttons, for a row of a list.
    """
    style: Literal["secondary", "tertiary"] = "tertiary" if small else "secondary"
    for action, (label, icon, tip) in BUTTONS.items():
        if action in actions and action != asked and not (action == "pause" and asked):
            st.button(
                label, icon=icon, help=tip, key=f"{key}_{action}", type=style, on_click=_do, args=(request, action)
            )
    ends = {action: ending for action, ending in endings(kind).items() if action in actions and action != asked}
    if not ends or asked == "cancel":  # a cancel cannot be replaced by another action
        return
    # Another set of actions gets another key, so that its menu starts closed: the second press of a double click on
    # "Stop and keep" must not hit "Stop without".
    menu = "_".join((key, "ask", *ends))
    with st.popover("Stop", icon=":material/stop:", type=style, key=menu), st.container(width=300, gap="small"):
        for action, ending in ends.items():
            st.caption(ending.consequence)
            st.button(
                ending.label,
                icon=ending.icon,
                key=f"{key}_{action}",
                on_click=_do,
                args=(request, action),
                width="stretch",
            )


def _do(request: Callable[[str], object], action: str) -> None:
    with boundary(), overrides.start():  # the state may have changed since the button was drawn
        request(action)
