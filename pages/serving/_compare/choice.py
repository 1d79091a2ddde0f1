"""Which models are compared: two to four, in the address."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.services.serving import chat, comparing, connected
from core.services.serving.chat import ChatModel, ChatOptions
from pages.ui import addressed
from pages.ui.format import md


def with_bases(found: Sequence[ChatModel]) -> list[ChatModel]:
    """The models, and the bases at their service of those in the address that only answer there: asked for once."""
    known: dict[str, ChatModel | None] = st.session_state.setdefault("bases_at_services", {})
    named = {*st.query_params.get_all("models"), st.query_params.get("model", "")}
    there = [model.id for model in found if model.id in named and connected.is_connected(model.base_id)]
    for model_id in set(there) - set(known):
        with st.spinner("Asking the service for its models…"):
            known[model_id] = chat.base_at_service(model_id)
    bases = {base.id: base for model_id in there if (base := known[model_id]) is not None}
    return [*found, *bases.values()]


def models(found: Sequence[ChatModel]) -> list[ChatModel]:
    """The chosen models, in the order in which they were chosen."""
    by_id = {model.id: model for model in found}
    linked = st.query_params.get("model", "")  # one tuned model, as other screens link here: it brings its base
    for missing in {model_id for model_id in [*st.query_params.get_all("models"), linked] if model_id} - set(by_id):
        st.toast(f"The model {md(missing, 60)} in the address was archived or deleted.", duration="long")
    titles = {model.id: model.title + ("" if model.kind == "tuned" else " (base)") for model in found}
    chosen = addressed.pick_many(
        "Models",
        titles,
        "models",
        "models",
        _default(found, by_id.get(linked)),
        comparing.MOST,
        help="Two to four models: tuned ones, their versions, or bases.",
    )
    return [by_id[model_id] for model_id in chosen]


def into_the_address(chosen: Sequence[ChatModel]) -> None:
    """Name the models in the address, also where they are the default: another person has another one."""
    ids = [model.id for model in chosen]
    if st.query_params.get_all("models") != ids:
        addressed.note_many("models", "models", ids)


def _default(found: Sequence[ChatModel], linked: ChatModel | None) -> list[str]:
    """The linked model beside its base, else the newest tuned one beside its base, else two bases."""
    tuned = linked or next((model for model in found if model.kind == "tuned"), None)
    ids = [model.id for model in found]
    if tuned is None:
        return ids[: comparing.FEWEST]
    if tuned.kind == "tuned" and tuned.base_id in ids:
        return [tuned.base_id, tuned.id]
    others = [model_id for model_id in ids if model_id != tuned.id]
    return [tuned.id, *others[:1]]


def missing_bases(chosen: Sequence[ChatModel], found: Sequence[ChatModel]) -> None:
    """Say which tuned models can't answer, because their base is not on this machine."""
    here = {model.id for model in found if model.kind == "base"}
    for model in chosen:
        if model.base_id not in here and not connected.is_connected(model.base_id):
            st.warning(
                f"The base of “{md(model.title)}”, {md(model.base_title)}, is no longer on this machine. Download it "
                "again in New job, or choose another model.",
                icon=":material/warning:",
            )


def settings(chosen: Sequence[ChatModel]) -> tuple[str, ChatOptions]:
    """The system message of a typed input, and how all models answer."""
    usual = next((text for model in chosen if (text := chat.default_system(model.id))), "")
    with st.popover("Settings", icon=":material/tune:"):
        system = addressed.text(
            "System message",
            "system",
            f"compare_system_{'_'.join(model.id for model in chosen)}",
            usual,
            placeholder="Context and instructions for the models",
            help="Sent before a typed input. An input from a dataset is sent with the system message of its example.",
        )
        max_tokens = addressed.slider(
            "Maximum answer length (tokens)", "tokens", "compare_max_tokens", 16, 1024, 256, 16, help="Of each answer."
        )
        temperature = addressed.slider(
            "Temperature",
            "temperature",
            "compare_temperature",
            0.0,
            1.5,
            0.0,
            0.1,
            help="0 always picks the most likely token, so that the answers can be compared fairly.",
        )
    return (system or "").strip(), ChatOptions(int(max_tokens), temperature)
