"""Where a model is deployed: publish, smoke test, which engine answers, retire."""

from __future__ import annotations

from typing import Final

import streamlit as st

from core.errors import ProviderError
from core.services.platform import tasks
from core.services.serving import from_code, publishing
from core.services.serving.publishing import DeploymentRecord, EngineChoice, SmokeAnswer, TargetChoice
from core.services.training import models
from pages.training._models import there
from pages.ui import components, navigation
from pages.ui.dialogs import dialog
from pages.ui.errors import boundary
from pages.ui.format import ago, md, moment, sentence
from pages.ui.tasks import words as task_words

POLL_S: Final = 1.0
_ENGINES: Final = {publishing.STUDIO: "Studio engine", publishing.LLAMA_CPP: "llama.cpp"}


def section(model: models.ModelRecord) -> None:
    """The section *Deployed to* on the screen of a model."""
    components.heading("Deployed to")
    with st.container(border=True, gap="small", key="deployed"):
        if model.state == "active" and model.only_there:
            there.answering(model)
        elif model.state == "active":
            with components.spread(gap="small"):
                st.markdown("**SFT Studio** :green-badge[:material/check: Serving]", width="content")
                st.caption("Chat, Compare and the API", width="content")
            if (choice := publishing.engine_choice(model)) is not None:
                _engines(model, choice)
        else:
            st.caption("Archived: no chat and no program is answered.")
        for deployment in publishing.published(model.id):
            _row(model, deployment)
        there.section(model)
        busy = publishing.running(model.id)
        if busy:
            st.fragment(run_every=POLL_S)(_progress)(model.id)
        elif (failed := publishing.last_failure(model.id)) is not None:
            st.markdown(f":small[:red[{sentence(failed.error.get('message', 'The publication failed.'))}]]")
        if model.state != "active":
            _deploy(model)
        elif not model.only_there and st.button(
            "Publish", icon=":material/rocket_launch:", key=f"publish_{model.id}", width="stretch"
        ):
            publish_dialog(model.id)


def _deploy(model: models.ModelRecord) -> None:
    if st.button("Deploy Model", icon=":material/rocket_launch:", key=f"deploy_{model.id}", width="stretch"):
        with boundary():
            done = from_code.deploy(model.id)
            st.toast(f"“{md(model.name, 60)}” answers as {md(done.name)}", icon=":material/check:")
            st.rerun()


def _engines(model: models.ModelRecord, choice: EngineChoice) -> None:
    """Which engine answers, with the measured speed of both."""
    speeds = {
        publishing.STUDIO: choice.studio_tokens_per_s,
        publishing.LLAMA_CPP: choice.llama_cpp_tokens_per_s,
    }
    titles = {
        engine: f"{title} · {f'{speed:,.0f} tokens/s' if speed else 'not measured'}"
        for (engine, title), speed in zip(_ENGINES.items(), speeds.values(), strict=True)
    }
    chosen = st.radio(
        "Answers come from",
        list(titles),
        index=list(titles).index(choice.engine),
        format_func=lambda engine: md(titles[engine]),
        key=f"engine_{model.id}",
    )
    if chosen != choice.engine:
        publishing.choose_engine(model.id, chosen)
        st.rerun()


def _row(model: models.ModelRecord, deployment: DeploymentRecord) -> None:
    smoke = deployment.smoke
    differs = smoke.first_difference is not None or not smoke.answers
    icon = ":orange[:material/warning:]" if differs else ":green[:material/check_circle:]"
    title = next((one.title for one in publishing.targets(model) if one.id == deployment.target), deployment.target)
    with st.container(gap="xsmall", key=f"deployment_{deployment.id}"), components.spread(gap="small"):
        with st.container(gap=None, width="stretch"):
            st.markdown(f"**{md(title)}** :small[{md(deployment.address)}]")
            st.caption(md(f"{deployment.name} · {deployment.route} · {ago(deployment.created_at)}"))
            st.markdown(
                f":small[{icon} {md(smoke.summary)}]", help=moment(smoke.tested_at) if smoke.tested_at else None
            )
        with st.container(horizontal=True, width="content", gap="xsmall"):
            if smoke.answers and st.button("Smoke test", type="tertiary", key=f"smoke_{deployment.id}"):
                smoke_dialog(title, deployment)
            if st.button("Retire", icon=":material/logout:", type="tertiary", key=f"retire_{deployment.id}"):
                retire_dialog(model, title, deployment)


def _progress(model_id: str) -> None:
    with boundary():
        busy = publishing.running(model_id)
        if not busy:
            st.rerun()
        for task in busy:
            words = task_words.why(tasks.waiting_reason(task)) or task.message or "Waiting for a worker"
            st.progress(min(1.0, task.progress / 100), text=f":small[{sentence(words)}]")


@dialog("Publish this model", width="medium", icon=":material/rocket_launch:")
def publish_dialog(model_id: str) -> None:
    model = models.get_model(model_id)
    st.caption("After publishing, greedy answers to five held-out inputs are compared with the studio's own.")
    for choice in components.divided(publishing.targets(model)):
        with st.container(gap="xsmall", key=f"target_{choice.id}"), components.spread(gap="small"):
            away = choice.ok and choice.needs_server and not choice.connections
            with st.container(gap=None, width="stretch"):
                st.markdown(f"**{md(choice.title)}**")
                if choice.ok:
                    first = " Add a connection to the server in Settings first." if away else ""
                    st.caption(md(f"{choice.reason}{first}"))
                else:
                    st.markdown(f":small[:orange[:material/block:] {md(choice.reason)}]")
                connection = _server(choice) if choice.ok and choice.connections else ""
            if away:
                navigation.button("Settings", "settings", icon=":material/tune:", key=f"settings_{choice.id}")
            elif choice.ok and st.button("Publish", key=f"start_{choice.id}", icon=":material/rocket_launch:"):
                publishing.begin(model.id, choice.id, connection)
                st.rerun()


def _server(choice: TargetChoice) -> str:
    """The connection to publish through."""
    names = {one: f"{name} · {address}" for one, name, address in choice.connections}
    chosen: str = st.selectbox(
        "Server",
        list(names),
        format_func=names.__getitem__,
        key=f"connection_{choice.id}",
        label_visibility="collapsed",
    )
    return chosen


@dialog("Smoke test", width="large", icon=":material/fact_check:")
def smoke_dialog(title: str, deployment: DeploymentRecord) -> None:
    st.markdown(f"{md(deployment.smoke.summary)} Greedy answers, the studio's beside those of {md(title)}.")
    for number, answer in enumerate(components.divided(deployment.smoke.answers)):
        with st.container(gap="xsmall", key=f"smoke_answer_{number}"):
            st.markdown(f":small[**{md(answer.question)}**]")
            if answer.equal:
                st.markdown(f":small[:green[:material/check:] {md(answer.studio) or '(empty)'}]")
                continue
            left, right = st.columns(2)
            left.markdown(f":small[**Studio:** {_marked(answer.studio, answer)}]")
            right.markdown(f":small[**{md(title)}:** {_marked(answer.target, answer)}]")
            st.markdown(f":small[:orange[:material/warning:] {md(answer.cause)}]")


def _marked(text: str, answer: SmokeAnswer) -> str:
    """The text, from the first difference on in color."""
    rest = md(text[answer.place :])
    return f"{md(text[: answer.place])}{f':orange[{rest}]' if rest.strip() else ''}" or "(empty)"


@dialog("Retire this model?", icon=":material/logout:")
def retire_dialog(model: models.ModelRecord, title: str, deployment: DeploymentRecord) -> None:
    st.markdown(
        f"**{md(deployment.name)}** is removed from {md(title)} {md(deployment.address)}. It stays in this studio."
    )
    unreachable = f"unreachable_{deployment.id}"
    if st.button("Retire", type="primary", key="retire_confirm"):
        with boundary():
            try:
                publishing.retire(model.id, deployment.target, deployment.address)
            except ProviderError:
                st.session_state[unreachable] = True
                raise
            st.rerun()
    if st.session_state.get(unreachable) and st.button("Remove it from this list only", key="retire_forget"):
        publishing.forget(deployment)
        st.rerun()
