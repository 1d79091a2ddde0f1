"""The form of an agent: created or changed, from its typed settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import StudioError
from core.services.serving import agents, chat
from core.services.serving.agents import AgentChanges, AgentRecord, AgentSettings, AgentVersionRecord
from pages.serving._agents import connected_models
from pages.ui import components, dark_soon, first_steps, forms, navigation, person
from pages.ui.errors import show_beside, show_error
from pages.ui.format import md

Slots = dict[str, DeltaGenerator]
_NONE: Final = "None"
_SHARE: Final = 10  # % that a new split begins with


def create(model: str) -> None:
    """A new agent; `model` is the one that the link names, if it can answer."""
    components.page_header("New agent", "Give a model a name, a system message and starters.", "Use · Agents")
    models = model_titles(None)
    if not models:
        first_steps.no_model(
            "deployed_code",
            "No model can answer yet",
            "An agent needs a model: train one, or download a base model.",
            "no_agent_model",
        )
        return
    slots: Slots = {}
    chosen: AgentChanges = {**_about(None, slots), **_answers(None, models, model, slots)}
    with components.spread():
        if st.button("Create agent", type="primary", icon=":material/check:", key="save_agent"):
            _save(slots, None, chosen, "")
        navigation.button("Cancel", "agents", type="tertiary", key="cancel_agent")


def edit(agent: AgentRecord) -> None:
    """Change an agent; how it answers then is a further version."""
    components.page_header(
        f"Edit {md(agent.name)}",
        f"A change becomes version {agent.version.number + 1}; version {agent.version.number} remains.",
        "Use · Agents",
    )
    seen = f"_seen_{agent.id}"
    if f"name_{agent.id}" not in st.session_state:  # the form was opened just now: it shows this version
        st.session_state[seen] = agent.version.number
    slots: Slots = {}
    chosen: AgentChanges = {**_about(agent, slots), **_answers(agent, model_titles(agent.version), "", slots)}
    note = st.text_input(
        "What changed, and why", key=f"note_{agent.id}", placeholder="Shorter answers, because customers asked twice"
    )
    slots["note"] = st.empty()
    with components.spread():
        if st.button("Save changes", type="primary", icon=":material/check:", key="save_agent"):
            _save(slots, agent, chosen, note, st.session_state[seen])
        navigation.button("Cancel", "agents", {"id": agent.id}, type="tertiary", key="cancel_agent")


def model_titles(version: AgentVersionRecord | None) -> dict[str, str]:
    """The models to choose from; those of a version are among them, also where they no longer answer."""
    titles = {model.id: model.title + ("" if model.kind == "tuned" else " (base)") for model in chat.available_models()}
    for model_id in version.model_ids if version else ():
        titles.setdefault(model_id, agents.model_title(model_id))
    return dark_soon.in_choice(titles | connected_models.shown())


def _about(agent: AgentRecord | None, slots: Slots) -> AgentChanges:
    place = agent.id if agent else "new"
    with st.container(border=True, gap="small", key="agent_about"):
        left, right = st.columns(2)
        with left:
            name = st.text_input(
                "Name",
                agent.name if agent else "",
                key=f"name_{place}",
                max_chars=agents.MAX_NAME,
                placeholder="Support",
            )
            slots["name"] = st.empty()
        with right:
            handle = st.text_input(
                "Handle",
                agent.handle if agent else "",
                key=f"handle_{place}",
                placeholder="made from the name",
                help="Programs ask for `agent:` and this. A change breaks programs that use the old one.",
            )
            slots["handle"] = st.empty()
        description = st.text_area(
            "Description",
            agent.description if agent else "",
            key=f"description_{place}",
            height=80,
            placeholder="What it does, and for whom",
        )
        slots["description"] = st.empty()
    given: AgentChanges = {"name": name or "", "description": description or ""}
    if handle.strip():
        given["handle"] = handle.strip()
    return given


def _answers(agent: AgentRecord | None, models: Mapping[str, str], linked: str, slots: Slots) -> AgentChanges:
    """What a version holds."""
    version, place = (agent.version, agent.id) if agent else (None, "new")
    components.section_gap()
    components.heading("How it answers")
    with st.container(border=True, gap="small", key="agent_answers"):
        first = version.model_id if version else linked if linked in models else next(iter(models))
        model_id = components.pick("Model", models, f"model_{place}", first)
        slots["model"] = st.empty()
        connected_models.offer()
        usual = chat.default_system(model_id)
        system = st.text_area(
            "System message",
            version.system if version else usual,
            key=f"system_{place}" if version else f"system_{place}_{model_id}",
            height=160,
            placeholder="Context and instructions for the model",
            help="Sent before every conversation. A tuned model answers best with the one of its training.",
        )
        slots["system"] = st.empty()
        if usual and (system or "").strip() != usual:
            st.caption(f":material/info: In its training the model saw: {md(usual, 200)}")
        starters = st.text_area(
            "Starters",
            "\n".join(version.starters) if version else "",
            key=f"starters_{place}",
            height=96,
            placeholder="One per line",
            help="Inputs that a chat with the agent offers.",
        )
        slots["starters"] = st.empty()
    others = {one: title for one, title in models.items() if one != model_id}
    given: AgentChanges = {
        "model": model_id,
        "system": system or "",
        "starters": (starters or "").splitlines(),
        **_safety(version, others, place, slots),
    }
    with st.expander("Decoding settings", icon=":material/tune:", key=f"decoding_{place}"):
        values = version.settings.model_dump() if version else {}
        given["settings"] = forms.form_fields(AgentSettings, values, f"agent_{place}", slots=slots)
    return given


def _safety(version: AgentVersionRecord | None, others: Mapping[str, str], place: str, slots: Slots) -> AgentChanges:
    """The fallback, and the split between two models."""
    left, right = st.columns(2, border=True)
    with left:
        fallback = components.pick(
            "Fallback model",
            {"": _NONE, **others},
            f"fallback_{place}",
            version.fallback_model_id if version else "",
            help="Answers when the model cannot: it was archived, its base is missing, or its server does not respond.",
        )
        slots["fallback"] = st.empty()
    with right:
        split = version.split if version else None
        second = components.pick(
            "Second model",
            {"": "None: one model answers", **others},
            f"split_model_{place}",
            split.model_id if split else "",
            help="Gets a share of the conversations. A conversation keeps the model that it began with.",
        )
        slots["split_model"] = st.empty()
        share = _SHARE
        if second:
            value = round(split.share * 100) if split else _SHARE
            share = st.slider("Its share of the conversations (%)", 1, 99, value, key=f"split_share_{place}")
        slots["split_share"] = st.empty()
    return {"fallback": fallback, "split": (second, share / 100) if second else None}


def _save(slots: Slots, agent: AgentRecord | None, chosen: AgentChanges, note: str, seen: int = 0) -> None:
    try:
        if agent is None:
            saved = agents.create(author=person.name(), **chosen)
        else:
            saved = agents.update(agent.id, note=note or "", author=person.name(), seen=seen, **chosen)
    except StudioError as error:
        if not show_beside(slots, error):
            show_error(error)
        return
    st.toast(f"“{md(saved.name, 60)}” saved", icon=":material/check:")
    navigation.go("agents", {"id": saved.id})
