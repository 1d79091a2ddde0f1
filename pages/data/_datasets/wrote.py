"""Who or what wrote an example: one line of its card, from its provenance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pages.ui import navigation, person
from pages.ui.format import md


def line(known: Mapping[str, Any]) -> str:
    """As the rest of a line of markdown; "" where nothing is known."""
    kind = known.get("made_of")
    if kind == "correction":
        by, accepted = person.shown(str(known["corrected_by"])), person.shown(str(known["accepted_by"]))
        return f" · corrected by {by}, accepted by {accepted}"
    if kind == "rating":
        return f" · rated well by {person.shown(str(known['rated_by']))}"
    if known.get("model"):
        return f" · written by {md(known['model'], 40)}"
    return " · written by hand" if known.get("written_by") == "hand" else ""


def link(known: Mapping[str, Any], key: str) -> None:
    """The button that opens the conversation that an example came from."""
    if known.get("conversation_id"):
        navigation.button(
            "Conversation",
            "chat",
            {"conversation": str(known["conversation_id"])},
            icon=":material/forum:",
            type="tertiary",
            key=f"came_from_{key}",
        )
