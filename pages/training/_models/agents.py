"""The agents that a model answers for: *Deploy Model* to chosen ones, and away from it before it is archived."""

from __future__ import annotations

from typing import Final

import streamlit as st

from core.services.serving import agents
from core.services.serving.agents import AgentRecord
from core.services.serving.evaluating import verdicts
from core.services.training import models
from pages.ui import components, navigation, person
from pages.ui.dialogs import dialog
from pages.ui.format import ago, md

_ALL, _SHARE = "all", "share"
_DECIDED: Final = {"ship": ("green", "Ship"), "no_difference": ("gray", "No difference")}
_HOW: Final = {_ALL: "All conversations", _SHARE: "A share of them"}


def section(model: models.ModelRecord) -> None:
    """The section *Agents* on the screen of a model."""
    users, every = agents.users_of(model.id), agents.list_agents()
    components.section_gap()
    components.heading("Agents")
    with st.container(border=True, gap="small", key="model_agents"):
        if not users:
            st.caption("No agent answers with this model.")
        for agent in users:
            _row(agent, model.id)
        _overridden(model.id)
        if users and model.state == "active":
            moves = st.button("Move to the fallback", icon=":material/alt_route:", type="tertiary", key="move_agents")
            if moves:
                move_dialog(model, [agent.name for agent in users])
        if model.state != "active":
            return
        if every and st.button("Deploy Model", icon=":material/smart_toy:", key="deploy_to_agents", width="stretch"):
            deploy_dialog(model)
        if not every:
            navigation.button(
                "New agent", "agents", {"new": model.id}, icon=":material/add:", key="new_agent", width="stretch"
            )


def _row(agent: AgentRecord, model_id: str) -> None:
    with components.spread(gap="small", key=f"model_agent_{agent.id}"):
        if st.button(md(agent.name), type="tertiary", icon=":material/smart_toy:", key=f"open_agent_{agent.id}"):
            navigation.go("agents", {"id": agent.id})
        st.caption(_part(agent, model_id), width="content")


def _overridden(model_id: str) -> None:
    """Who deployed the model against its verdict, when and why."""
    verdict = verdicts.newest(model_id)
    if verdict is None or not verdict.override:
        return
    by, at = verdict.override.get("by") or "A user", verdict.override.get("at")
    with st.container(gap=None, key="model_override"):
        st.markdown(":orange[:material/edit_note:] Deployed against the verdict *Don't ship*")
        st.caption(f"{md(verdict.override['reason'])} · {md(by, 60)}{f' · {ago(at)}' if at else ''}")


def _part(agent: AgentRecord, model_id: str) -> str:
    """What the model does for an agent."""
    version = agent.version
    split = version.split
    if split and split.model_id.startswith(model_id):
        return f"{split.share * 100:g}% of the conversations"
    return "Fallback" if not version.model_id.startswith(model_id) else "Answers"


@dialog("Deploy this model to agents", width="medium", icon=":material/rocket_launch:")
def deploy_dialog(model: models.ModelRecord) -> None:
    """Choose the agents and the share; each gets a further version, so that one click takes it back."""
    found = {agent.id: agent for agent in agents.list_agents()}
    st.markdown(f"Each agent answers with **{md(model.name)}** from now on. Its earlier versions remain.")
    chosen = st.multiselect(
        "Agents",
        list(found),
        default=None if "deploy_agents" in st.session_state else list(found) if len(found) == 1 else [],
        format_func=lambda agent_id: found[agent_id].name,
        placeholder="Choose one or more agents",
        key="deploy_agents",
    )
    how = components.switch("Conversations", _HOW, "deploy_how", labeled=True)
    share = None
    if how == _SHARE:
        share = st.slider(
            "Share (%)", 1, 99, 10, key="deploy_share", help="A conversation keeps the model that it began with."
        )
    needed = _verdict(model)
    label = "Why deploy it all the same" if needed else "Note"
    reason = st.text_area(label, key="deploy_reason", placeholder="What is better, and how you know", height=80)
    ready = chosen and (not needed or (reason or "").strip())
    if st.button("Deploy", type="primary", icon=":material/rocket_launch:", key="deploy_now", disabled=not ready):
        part = None if share is None else share / 100
        agents.deploy(model.id, chosen, share=part, reason=reason or "", author=person.name())
        st.rerun()


def _verdict(model: models.ModelRecord) -> bool:
    """Show the newest verdict on the model; whether it needs a reason."""
    verdict = verdicts.newest(model.id)
    if verdict is None:
        st.caption(":material/info: No verdict yet: this model was not compared with another one on Evaluate.")
        return False
    against = [reason.text for reason in verdict.reasons if reason.ok is False]
    if verdict.blocks:
        st.markdown(f":orange[:material/warning:] **Don't ship.** {md(' '.join(against))}")
    else:
        color, word = _DECIDED.get(verdict.decision, ("gray", "Don't ship, and deployed all the same"))
        parent = md(agents.model_title(verdict.parent_id), 60)
        st.markdown(f":{color}[:material/verified:] Verdict against **{parent}**: **{word}**",
                    help=md(verdict.override.get("reason", "")) or None)  # fmt: skip
    return verdict.blocks


@dialog("Move the agents to their fallback?", icon=":material/alt_route:")
def move_dialog(model: models.ModelRecord, names: list[str]) -> None:
    """Say what happens; then give each a version without this model."""
    st.markdown(
        f"{', '.join(f'**{md(name)}**' for name in names)} will answer with their second or fallback model instead of "
        f"**{md(model.name)}**, which can then be archived or deleted."
    )
    if st.button("Move", type="primary", key="move_now"):
        agents.move_off(model.id, author=person.name())
        st.rerun()
