"""Name, description and hold-out share of a dataset that is about to be created."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import Conflict, DataError
from core.services.data import datasets
from core.services.data.datasets import writing as dataset_writing
from core.services.platform.drafts import DraftRecord
from pages.ui import components
from pages.ui.errors import field_error, show_beside
from pages.ui.wizard.draft_state import key, save

_SHARES = {"auto": "Decided by size", "0": "Nothing", "0.1": "10%", "0.2": "20%"}


def wizard_form(draft: DraftRecord, filename: str) -> tuple[DraftRecord, bool]:
    """Draw name, description and hold-out share and save them in the draft; True when the name can be used."""
    state = draft.state
    saved_name, share = state.get("name"), state.get("hold_out")
    name, description, fits = name_fields(
        datasets.free_name(filename) if saved_name is None else saved_name,
        state.get("description") or "",
        lambda field: key(draft, field),
    )
    chosen = components.switch(
        "Hold out for validation",
        _SHARES,
        key=key(draft, "hold_out"),
        default="auto" if share is None else f"{share:g}",
        help="Held-out examples are never trained on and show whether the model learned or memorized. Decided by size: "
        "nothing below 200 examples, because a model cannot learn facts it never saw.",
        labeled=True,
    )
    hold_out = None if chosen in (None, "auto") else float(chosen)
    return save(draft, name=name, description=description, hold_out=hold_out), fits


def name_fields(name: str, description: str, key_of: Callable[[str], str]) -> tuple[str, str, bool]:
    """Draw name and description; True when a dataset can have this name. A problem is shown under its field."""
    slots: dict[str, DeltaGenerator] = {}
    with st.container(gap="xxsmall"):
        name = st.text_input("Name", value=name, max_chars=120, key=key_of("name"))
        slots["name"] = st.empty()
    with st.container(gap="xxsmall"):
        description = st.text_area(
            "Description",
            value=description,
            placeholder="What these examples teach",
            height=80,
            key=key_of("description"),
        )
        slots["description"] = st.empty()
    try:
        dataset_writing.check_name(name)
        dataset_writing.check_characters(name, description)
    except DataError as error:
        return name, description, not show_beside(slots, error)
    except Conflict as error:
        with slots["name"]:
            field_error(error)
        return name, description, False
    return name, description, True
