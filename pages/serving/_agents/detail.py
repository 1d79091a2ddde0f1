"""One agent: how it answers, its versions, what it has answered, and how programs ask it."""

from __future__ import annotations

import streamlit as st

from core.services.serving import agents
from core.services.serving.agents import AgentFigures, AgentRecord, AgentSettings
from pages.serving._agents import loop, versions
from pages.serving._agents.listing import SCREEN
from pages.ui import components, dark_soon, forms, listing, navigation, use_from_code
from pages.ui.components import Tile
from pages.ui.format import ago, duration, md, number


def detail(agent: AgentRecord) -> None:
    """Everything about one agent."""
    archived = agent.archived_at is not None
    badge = components.badge_md("Archived", "gray") if archived else ""
    with components.header_row(
        md(agent.name), md(agent.description), f"Agents · version {agent.version.number}", badge
    ):
        listing.on_its_own(SCREEN, agent.id, agent.name, archived=archived, gone=lambda: navigation.go("agents"))
        if not archived:
            navigation.button(
                "Edit", "agents", {"id": agent.id, "edit": "yes"}, icon=":material/edit:", key="edit_agent"
            )
            navigation.button(
                "Talk to it", "chat", {"model": agent.id}, icon=":material/chat:", key="talk", type="primary"
            )
    _figures(agents.figures([agent.id])[agent.id])
    components.section_gap()
    left, right = st.columns([8, 5], gap="medium")
    with left:
        loop.section(agent)
        _answers(agent)
        versions.section(agent)
    with right:
        _models(agent)
        if not archived:
            asked = [{"role": "user", "content": next(iter(agent.version.starters), "Hello!")}]
            use_from_code.section("agent", agent.model_name, asked)
    st.divider()
    navigation.button("All agents", "agents", icon=":material/arrow_back:", type="tertiary", key="back")


def _figures(found: AgentFigures) -> None:
    components.section_gap()
    none = "–"
    components.tiles(
        [
            Tile("Conversations", number(found.conversations), help="In Chat, and the recorded ones of programs."),
            Tile("Answers", number(found.answers)),
            Tile("Seconds per answer", none if found.seconds is None else duration(found.seconds)),
            Tile("To the first token", none if found.first_token_s is None else duration(found.first_token_s)),
            Tile("Last answer", ago(found.last_at) if found.last_at else none),
        ],
        key="agent_tiles",
    )


def _answers(agent: AgentRecord) -> None:
    version = agent.version
    components.heading("How it answers")
    with st.container(border=True, gap="small", key="agent_system"):
        st.caption("System message")
        if version.system:
            st.text(version.system)
        else:
            st.caption("None: the model's own template applies.")
        if version.starters:
            st.caption("Starters")
            for starter in version.starters:
                st.markdown(f":small[:material/chat_bubble: {md(starter)}]", width="content")
        settings = {
            forms.label(field, name): forms.value_text(field, _shown(getattr(version.settings, name)))
            for name, field in AgentSettings.model_fields.items()
            if getattr(version.settings, name) not in (None, ())
        }
        components.facts(list(settings.items()))


def _shown(value: object) -> object:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else value


def _models(agent: AgentRecord) -> None:
    version = agent.version
    components.heading("Models")
    rest = 1 - version.split.share if version.split else 1
    parts = [(version.model_id, f"{rest * 100:g}% of the conversations" if version.split else "Answers")]
    if version.split:
        parts.append((version.split.model_id, f"{version.split.share * 100:g}% of the conversations"))
    if version.fallback_model_id:
        parts.append((version.fallback_model_id, "fallback, when another cannot answer"))
    with st.container(border=True, gap="small", key="agent_models"):
        for model_id in dict.fromkeys(model for model, _ in parts):  # a second model may be the fallback too
            does = "; ".join(part for model, part in parts if model == model_id)
            _model(model_id, does[0].upper() + does[1:])
        if not version.fallback_model_id:
            title = md(agents.model_title(version.model_id), 60)
            st.caption(f"Without a fallback, {title} cannot be archived while this agent uses it.")


def _model(model_id: str, part: str) -> None:
    with st.container(gap=None, key=f"agent_model_{model_id}"):
        title = agents.model_title(model_id)
        if model_id.startswith("fm_"):
            if st.button(md(title), type="tertiary", key=f"open_model_{model_id}", icon=":material/deployed_code:"):
                navigation.go("models", {"id": model_id.partition(":")[0]})
        else:
            st.markdown(f":small[:material/deployed_code: {md(title)}]")
        st.caption(md(part))
        dark_soon.mark(model_id, model_id)
