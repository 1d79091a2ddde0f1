"""The loop of an agent: from corrections to its next model. Each step is ticked by what exists, and its button starts
the next thing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import streamlit as st

from core.errors import StudioError
from core.services.data import datasets
from core.services.data.datasets import mix as dataset_mix
from core.services.serving import loop
from core.services.serving.agents import AgentRecord
from core.services.serving.loop import AgentGeneration, LoopStep, Round
from core.services.training import models
from pages.serving._feedback import making
from pages.training._models import agents as model_agents
from pages.ui import components, navigation
from pages.ui.diagram import diagram, label
from pages.ui.dialogs import dialog
from pages.ui.errors import show_beside
from pages.ui.format import md, number, plural

_ICONS: Final = {
    "done": ":green[:material/check_circle:]",
    "running": ":blue[:material/progress_activity:]",
    "open": ":gray[:material/radio_button_unchecked:]",
}
_FEEDBACK_WEIGHT: Final = 2.0  # each correction twice: few examples beside many


def section(agent: AgentRecord) -> None:
    """The card of the present round, and the generations."""
    now = loop.of_agent(agent)
    components.heading("The loop", f"{now.done} of {plural(len(now.steps), 'step')}")
    with st.container(border=True, gap="small", key="loop"):
        st.caption(f"From **{md(now.parent_title, 60)}** to the next model")
        for step in now.steps:
            _step(agent, now, step)
    _generations(loop.generations(agent))
    components.section_gap()


def _step(agent: AgentRecord, now: Round, step: LoopStep) -> None:
    following = step == now.following
    with components.spread(wrap=False, gap="xsmall", key=f"loop_{step.id}_{step.state}"):
        with st.container(gap=None, width="stretch"):
            title = md(step.title)
            name = f"**{title}**" if following or step.state != "open" else f":gray[{title}]"
            st.markdown(f"{_ICONS[step.state]} {name}")
            st.caption(md(step.detail, 120))
        word, action = _ACTIONS[step.id](agent, now, step)
        if action is not None and st.button(
            md(word), key=f"loop_go_{step.id}", type="primary" if following else "tertiary", width="content"
        ):
            action()


Action = tuple[str, Callable[[], object] | None]
_NOTHING: Final[Action] = ("", None)


def _open(screen: str, query: Mapping[str, str]) -> Callable[[], object]:
    return lambda: navigation.go(screen, query)


def _corrections(agent: AgentRecord, now: Round, step: LoopStep) -> Action:
    if not step.can_start:
        return "Talk to it", _open("chat", {"model": agent.id})
    return "Review", _open("feedback", {"agent": agent.id})


def _dataset(agent: AgentRecord, now: Round, step: LoopStep) -> Action:
    if step.can_start:
        return "Make dataset", lambda: making.make(now.parent, agent.id)
    return ("Open", _open("datasets", {"id": step.ref})) if step.ref else _NOTHING


def _mix(agent: AgentRecord, now: Round, step: LoopStep) -> Action:
    if step.state == "done":
        return "Open", _open("datasets", {"id": step.ref})
    return ("Mix", lambda: mix(now)) if step.can_start else _NOTHING


def _retrain(agent: AgentRecord, now: Round, step: LoopStep) -> Action:
    if step.ref:
        return "Open", _open("job", {"id": step.ref})
    if not step.can_start:
        return _NOTHING
    return "Retrain", lambda: navigation.go("new_job", {"draft": loop.retrain(now).id})


def _evaluate(agent: AgentRecord, now: Round, step: LoopStep) -> Action:
    if step.ref:
        return "Open", _open("evaluate", {"id": step.ref})
    asked = {"new": "1", "model": now.candidate, "against": now.parent}
    return ("Evaluate", _open("evaluate", asked)) if step.can_start else _NOTHING


def _verdict(agent: AgentRecord, now: Round, step: LoopStep) -> Action:
    return ("Read", _open("evaluate", {"id": step.ref})) if step.ref else _NOTHING


def _deploy(agent: AgentRecord, now: Round, step: LoopStep) -> Action:
    if not step.can_start or step.state == "done":
        return _NOTHING

    def deploy() -> None:
        st.session_state["deploy_agents"] = [agent.id]
        model_agents.deploy_dialog(models.get_model(now.candidate))

    return "Deploy", deploy


_ACTIONS: Final[Mapping[str, Callable[[AgentRecord, Round, LoopStep], Action]]] = {
    "corrections": _corrections,
    "dataset": _dataset,
    "mix": _mix,
    "retrain": _retrain,
    "evaluate": _evaluate,
    "verdict": _verdict,
    "deploy": _deploy,
}


@dialog("Mix corrections and training data", icon=":material/blender:")
def mix(now: Round) -> None:
    """How often each example is used, and what the dataset is called; the corrections come first."""
    corrections, trained = datasets.get_dataset(now.dataset), datasets.get_dataset(now.parent_dataset)
    parts = []
    for found, weight, key in ((corrections, _FEEDBACK_WEIGHT, "feedback"), (trained, 1.0, "parent")):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"loop_part_{key}"):
            with st.container(gap=None, width="stretch"):
                st.markdown(f"**{md(found.name, 60)}**")
                st.caption(plural(found.examples, "example"))
            chosen = st.number_input(
                "Weight", 0.05, 1_000.0, weight, 0.5, format="%g", width=130, key=f"loop_weight_{key}",
                help="1: every example once. 2: twice.",
            )  # fmt: skip
        parts.append((found.version.id, float(chosen)))
    distinct = st.toggle(
        "Leave out repeated inputs",
        True,
        key="loop_distinct",
        help="Where a correction and an example that the model was trained on have the same input, the correction is "
        "used.",
    )
    st.caption(f"Up to {number(dataset_mix.mix_plan(parts).total)} examples")
    name = st.text_input("Name", datasets.free_name(f"{trained.name} with corrections"), max_chars=120, key="loop_name")
    slot = st.empty()
    if st.button("Mix datasets", type="primary", icon=":material/blender:", width="stretch", key="loop_mix_now"):
        try:
            task = dataset_mix.mix(name or "", parts, distinct=distinct)
        except StudioError as error:
            if not show_beside({"name": slot}, error):
                raise
            return
        navigation.go("mix", {"task": task.id})


def _generations(found: tuple[AgentGeneration, ...]) -> None:
    """The models of the agent, one after the other, with their scores."""
    if len(found) < 2:
        return
    components.section_gap()
    components.heading("Generations", plural(len(found), "model"))
    with st.container(border=True, key="generations"):
        lines = ["flowchart LR"]
        for at, one in enumerate(found):
            lines.append(f'  g{at}{{{{"{label(one.title, one.score, f"since version {one.since}")}"}}}}')
            if at:
                lines.append(f"  g{at - 1} --> g{at}")
            if one.answers_now:
                lines.append(f"  style g{at} stroke-width:3px")
        diagram("\n".join(lines))
