"""The blind arena: two answers without names, a vote, and how sure the result is."""

from __future__ import annotations

import streamlit as st

from core.errors import NotFound
from core.messages import Split
from core.services.serving import arena, chat, comparing
from core.services.serving.arena import Match
from core.services.serving.chat import ChatModel, ChatOptions
from core.services.serving.comparing import ComparedInput
from pages.serving._arena import match as matches, standing
from pages.serving._compare import choice, inputs
from pages.ui import addressed, components, first_steps, guard, navigation
from pages.ui.answers import streams
from pages.ui.errors import boundary, show_error

guard.require()

ORDER: tuple[Split, ...] = ("test", "validation", "train")  # what no training has seen says more
LEAD = "Two answers without names. Vote for the better one, then see whose it was."


def screen(found: list[ChatModel]) -> None:
    """Models and inputs, the open match, and the results."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="arena_bar"):
        models = choice.models(found)
    choice.missing_bases(models, found)
    ids = [model.id for model in models]
    with st.container(border=True, gap="small", key="arena_source"):
        asked = _source(ids)
        match = _current()
        decided = match is not None and bool(match.vote)
        with components.spread():
            hint = st.container(width="content")
            pressed = not decided and matches.next_pair(
                "Another pair" if match else "First pair",
                type="secondary" if match else "primary",
                disabled=len(ids) < arena.FEWEST,
            )
        if len(ids) < arena.FEWEST:
            hint.caption("Choose two to four models.")
        elif match is not None and not decided:
            hint.caption("Keys: A, B, T for a tie, X for both bad, N for another pair.")
        else:
            hint.caption("Two of these models answer the same input; the sides are drawn.")
    if match is not None:
        pressed = matches.show(match) or pressed
    if pressed:
        _begin(ids, asked)


def _source(ids: list[str]) -> tuple[str, Split] | ComparedInput | None:
    """Where inputs come from: the id of a dataset version and a split, or one that is typed; None without any."""
    found = comparing.sources(ids)
    titles = {"example": "From a dataset", "typed": "Typed"} if found else {"typed": "Typed"}
    kind = addressed.switch("Input", titles, "kind", "arena_kind") if len(titles) > 1 else "typed"
    if kind == "typed":
        text = st.text_area("Input", key="arena_input_text", height=80, placeholder="Ask what your users ask")
        return comparing.typed(text.strip()) if text and text.strip() else None
    version_id, split, _ = inputs.part(found, ORDER)
    return version_id, split


def _begin(ids: list[str], source: tuple[str, Split] | ComparedInput | None) -> None:
    pair = arena.next_pair(ids)
    asked = source
    if isinstance(source, tuple):
        asked = arena.next_example(source[0], source[1], pair)
    if not isinstance(asked, ComparedInput):
        st.error(
            "Type an input first." if source is None else "No example of this split has an input to ask.",
            icon=":material/error:",
        )
        return
    match = arena.begin(ids, asked, ChatOptions(), pair)
    st.query_params["match"] = match.id
    st.rerun()


def _current() -> Match | None:
    """The match in the address; a link to one that was removed says so."""
    match_id = st.query_params.get("match", "")
    if not match_id:
        return None
    try:
        return arena.get(match_id)
    except NotFound as error:
        show_error(error)
        return None


with boundary():
    available = chat.available_models()
    enough = len(available) >= arena.FEWEST
    with components.header_row("Arena", LEAD, "Use"):
        if enough:
            navigation.button("Compare with names", "compare", icon=":material/compare_arrows:", key="to_compare")
    if not enough:
        first_steps.no_model(
            "how_to_vote",
            "Nothing to vote on yet",
            "Train a model: it answers here against its base, without names.",
            key="no_arena",
        )
    else:
        streams.warm_up()
        screen(available)
    standing.show()
