"""The wording in smart mode: system message, question patterns and instructions, which the model can propose."""

from __future__ import annotations

from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import StudioError
from core.services.data import smart
from core.services.data.smart import Proposal, SmartRecipe
from core.services.platform.drafts import DraftRecord
from pages.ui import components, overrides
from pages.ui.errors import show_error
from pages.ui.format import md, md_code, sentence, usd
from pages.ui.forms import label
from pages.ui.wizard.draft_state import key, renew, save


def wording(draft: DraftRecord, recipe: dict[str, Any], slots: dict[str, DeltaGenerator]) -> bool:
    """Draw system message, patterns and instructions. True when a proposal was just filled in."""
    components.section_gap()
    with components.spread():
        st.header("Wording", anchor=False, width="content")
        possible = bool(recipe.get("model") and recipe.get("columns"))
        requested = st.button(
            "Suggest with the model",
            icon=":material/auto_awesome:",
            key="propose",
            disabled=not possible,
            help="The model reads the columns and a few sample rows and suggests a system message and questions. "
            "You can edit them.",
        )
    problem = None
    if requested:
        try:
            with st.spinner("Waiting for the model"), overrides.start():
                proposal = smart.propose(
                    draft.state["source_id"], recipe["connection_id"], recipe["model"], tuple(recipe["columns"])
                )
        except StudioError as error:
            problem = error
        else:
            proposed = {"system": proposal.system, "patterns": list(proposal.patterns)}
            renew(save(draft, smart={**recipe, **proposed}))
            st.session_state[f"proposal_{draft.id}"] = proposal
            return True
    if problem:
        show_error(problem)
    elif last := st.session_state.get(f"proposal_{draft.id}"):
        _proposed(last)
    with st.container(border=True, gap="small", key="wording"):
        _area(draft, recipe, "system", 96, slots)
        _patterns(draft, recipe, slots)
        _area(draft, recipe, "instructions", 96, slots, "For example: answer in two sentences.")
    return False


def _proposed(proposal: Proposal) -> None:
    """The source, cost and notes of a proposal."""
    by = f"Suggested by {md(proposal.model)}" if proposal.by_model else "Based on the column names"
    cost = f" for {usd(proposal.cost_usd)}" if proposal.cost_usd else ""
    st.markdown(f":blue[:material/auto_awesome: {by}{cost}.] Check it and change what does not fit.")
    for note in proposal.notes:
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
            "Question patterns, one per line",
            value="\n".join(recipe.get("patterns") or []),
            height=128,
            placeholder="What does {{product}} cost?\nHow long is the warranty of {{product}}?",
            key=key(draft, "smart_patterns"),
            help=SmartRecipe.model_fields["patterns"].description,
        )
        slots["patterns"] = st.empty()
        names = (recipe.get("columns") or [])[:12]
        if names:
            st.caption(
                "A name in braces is replaced by that row's cell: "
                + " ".join(md_code(f"{{{{{name}}}}}") for name in names)
            )


def written(draft: DraftRecord) -> dict[str, Any]:
    """The current values of the wording fields."""
    state = st.session_state
    lines = str(state[key(draft, "smart_patterns")]).splitlines()
    return {
        "system": state[key(draft, "smart_system")],
        "instructions": state[key(draft, "smart_instructions")],
        "patterns": [line.strip() for line in lines if line.strip()],
    }
