"""Compare: the same input to two to four models, their answers side by side, and how often they are right."""

from __future__ import annotations

import streamlit as st

from core.services.serving import chat, comparing
from core.services.serving.chat import ChatModel, ChatOptions
from core.services.serving.comparing import ComparedInput
from core.services.training.models import get_model
from pages.serving._compare import choice, inputs, results
from pages.ui import components, first_steps, guard, overrides
from pages.ui.answers import scores, streams
from pages.ui.errors import boundary
from pages.ui.format import md

guard.require()

LEAD = "The same input to two to four models. Judge the answers first, then look at the numbers."


def screen(found: list[ChatModel]) -> None:
    """Models, input, answers, and the tests of the tuned models."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="compare_bar"):
        models = choice.models(found)
        system, options = choice.settings(models)
    choice.missing_bases(models, found)
    enough = len(models) >= comparing.FEWEST
    with st.container(border=True, gap="small", key="ask"):
        asked = inputs.choose(models, system)
        with components.spread():
            hint = st.container(width="content")
            clicked = st.button("Ask all", icon=":material/send:", type="primary", key="ask_all", disabled=not enough)
            pressed = overrides.pressed(clicked, "ask_all")
        if enough and pressed and asked is None:
            hint.error("Type an input, or choose an example.", icon=":material/error:")
        else:
            hint.caption(_hint(models, asked, options) if enough else "Choose two to four models.")
    if pressed and asked is not None:
        choice.into_the_address(models)
        with overrides.start("ask_all"):
            results.ask(models, asked, options)
    if enough:
        results.show(models, asked, options)
    for model_id in dict.fromkeys(model.model_id for model in models if model.kind == "tuned"):
        components.section_gap()
        model = get_model(model_id)
        scores.section(model, f"{md(model.name, 60)} and its base")


def _hint(models: list[ChatModel], asked: ComparedInput | None, options: ChatOptions) -> str:
    """How many are asked, and whether this input was answered already."""
    if results.known(models, asked, options):
        return (
            "The address of this page shows this comparison to others too. Answers are kept until the studio restarts."
        )
    return f"{len(models)} models are asked at once."


with boundary():
    components.page_header("Compare", LEAD, "Use")
    available = choice.with_bases(chat.available_models())
    if len(available) < comparing.FEWEST:
        first_steps.no_model(
            "compare_arrows",
            "Nothing to compare yet",
            "Train a model, or activate an archived one in Models. It answers here next to its base.",
            key="no_compare",
        )
    else:
        streams.warm_up()
        screen(available)
