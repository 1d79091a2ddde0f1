"""What the model is asked in smart mode: system message, question patterns and instructions, proposed and edited."""

from __future__ import annotations

from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import StudioError
from core.services.data import smart
from core.services.data.smart import Proposal, SmartRecipe
from core.services.platform.drafts import DraftRecord
from pages.data._smart.cost import usd
from pages.ui import components
from pages.ui.errors import show_error
from pages.ui.format import md, sentence
from pages.ui.forms import label
from pages.ui.wizard.draft_state import key, renew, save


def wording(draft: DraftRecord, recipe: dict[str, Any], slots: dict[str, DeltaGenerator]) -> bool:
    """System message, patterns, instructions; True when the model's proposal has just been put in."""
    components.section_gap()
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.subheader("What it is asked", anchor=False, width="content")
        possible = bool(recipe.get("model") and recipe.get("columns"))
        asked = st.button(
            "Let the model propose",
            icon=":material/auto_awesome:",
            key="propose",
            disabled=not possible,
            help="The model reads the columns and a few sample rows, and proposes a system message and questions. "
            "You edit them.",
        )
    problem = None
    if asked:
        try:
            with st.spinner("The model reads the columns and sample rows"):
                found = smart.propose(
                    draft.state["source_id"], recipe["connection_id"], recipe["model"], tuple(recipe["columns"])
                )
        except StudioError as error:
            problem = error
        else:
            proposed = {"system": found.system, "patterns": list(found.patterns)}
            renew(save(draft, smart={**recipe, **proposed}))
            st.session_state[f"proposal_{draft.id}"] = found
            return True
    if problem:
        show_error(problem)
    elif said := st.session_state.get(f"proposal_{draft.id}"):
        _proposed(said)
    with st.container(border=True, gap="small", key="wording"):
        _area(draft, recipe, "system", 96, slots)
        _patterns(draft, recipe, slots)
        _area(draft, recipe, "instructions", 96, slots, "For example: answer in two sentences, in British English.")
    return False


def _proposed(found: Proposal) -> None:
    """What was proposed, by whom, and what was left out of it."""
    by = f"Proposed by {md(found.model)}" if found.by_model else "From the names of the columns"
    cost = f" for {usd(found.cost_usd)}" if found.cost_usd else ""
    st.markdown(f":blue[:material/auto_awesome: {by}{cost}.] Read it, and change what does not fit.")
    for note in found.notes:
        st.caption(sentence(note))


def _area(
    draft: DraftRecord,
    recipe: dict[str, Any],
    name: str,
    height: int,
    slots: dict[str, DeltaGenerator],
    placeholder: str | None = None,
) -> None:
    field = SmartRecipe.model_fields[name]
    with st.container(gap="xxsmall"):
        st.text_area(
            label(field, name),
            value=recipe.get(name) or "",
            height=height,
            placeholder=placeholder,
            key=key(draft, f"smart_{name}"),
            help=field.description,
        )
        slots[name] = st.empty()


def _patterns(draft: DraftRecord, recipe: dict[str, Any], slots: dict[str, DeltaGenerator]) -> None:
    with st.container(gap="xxsmall"):
        st.text_area(
            "Question patterns, one on each line",
            value="\n".join(recipe.get("patterns") or []),
            height=128,
            placeholder="What does {{product}} cost?\nHow long is the warranty of {{product}}?",
            key=key(draft, "smart_patterns"),
            help=SmartRecipe.model_fields["patterns"].description,
        )
        slots["patterns"] = st.empty()
        names = [name for name in recipe.get("columns") or [] if "`" not in name][:12]
        if names:
            st.caption("A row's cell stands in for its name: " + " ".join(f"`{{{{{name}}}}}`" for name in names))


def written(draft: DraftRecord) -> dict[str, Any]:
    """What stands in the fields of the wording now."""
    state = st.session_state
    lines = str(state[key(draft, "smart_patterns")]).splitlines()
    return {
        "system": state[key(draft, "smart_system")],
        "instructions": state[key(draft, "smart_instructions")],
        "patterns": [line.strip() for line in lines if line.strip()],
    }
