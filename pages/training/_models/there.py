"""*Deploy there*: a model at the service that trained it, with its state, and *Retire*."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import streamlit as st

from core.services.platform import tasks
from core.services.serving.publishing import DeploymentRecord, there
from core.services.serving.publishing.there import ThereChoice
from core.services.training.models import ModelRecord
from pages.ui import components
from pages.ui.dialogs import dialog
from pages.ui.errors import boundary
from pages.ui.format import ago, md, sentence
from pages.ui.tasks import words as task_words
from pages.ui.theme import Color

POLL_S: Final = 2.0
_BADGES: Final[Mapping[str, tuple[Color, str]]] = {
    "active": ("green", "check"),
    "starting": ("blue", "hourglass_top"),
    "failed": ("red", "error"),
    "retired": ("gray", "power_settings_new"),
}


def answering(model: ModelRecord) -> None:
    """The line about a model that only answers at its service; nothing where its deployment there says the same."""
    if there.deployed(model.id) is not None:
        return
    answers = model.hosted is not None and bool(model.hosted.model)
    with components.spread(gap="small"):
        badge = components.badge_md("Answers there", "green", "check") if answers else ""
        badge = badge or components.badge_md("Does not answer", "orange", "block")
        st.markdown(f"**At its service** {badge}", width="content")
        first = "Deploy it there first" if there.choice(model) else "Deploy it in the service's console"
        st.caption("Chat, Compare, evaluations and the API ask it there" if answers else first)


def section(model: ModelRecord) -> None:
    """The deployment at the service, where it offers one; nothing otherwise."""
    choice = there.choice(model)
    if choice is None:
        return
    with st.container(gap="xsmall", key=f"there_{model.id}"), boundary():
        found = there.deployed(model.id)
        if there.running(model.id) is not None:
            _head(choice, found)
            st.fragment(run_every=POLL_S)(_progress)(model.id)
            return
        if found is not None:
            _head(choice, found)
            _facts(model, found)
        failed = there.failure(model.id)
        if failed is not None and (found is None or found.details.get("state") != "active"):
            words = f"{failed.error.get('message', 'It failed.')} {failed.error.get('remedy', '')}"
            st.markdown(f":small[:red[:material/error: {sentence(words)}]]")
        if model.state == "active" and (found is None or found.details.get("state") in ("failed", "retired")):
            _deploy(model, choice)


def _head(choice: ThereChoice, found: DeploymentRecord | None) -> None:
    badge = ""
    if found is not None:
        state = str(found.details.get("state") or "starting")
        color, icon = _BADGES[state]
        word = there.WORDS[state] if found.details.get("known", True) else str(found.details["provider_status"])
        badge = components.badge_md(md(word), color, icon)
    st.markdown(f"**{md(choice.service)}** {badge} :small[{md(choice.connection.name)}]")


def _facts(model: ModelRecord, found: DeploymentRecord) -> None:
    st.caption(md(f"{found.name} · {found.route} · {ago(found.created_at)}"))
    if found.details.get("state") == "active":
        st.caption(sentence(found.smoke.summary))
    with st.container(horizontal=True, gap="xsmall"):
        if st.button("Look again", icon=":material/refresh:", type="tertiary", key=f"look_{model.id}"):
            there.look(model.id)
            st.rerun()
        if st.button("Retire", icon=":material/logout:", type="tertiary", key=f"retire_there_{model.id}"):
            retire_dialog(model, found)


def _deploy(model: ModelRecord, choice: ThereChoice) -> None:
    help_text = f"{choice.service} then answers for it, paid by the token, until it is retired."
    if st.button(
        "Deploy there",
        icon=":material/rocket_launch:",
        key=f"deploy_there_{model.id}",
        width="stretch",
        help=md(help_text),
    ):
        there.begin(model.id)
        st.rerun()


def _progress(model_id: str) -> None:
    with st.container(key=f"live_there_{model_id}"), boundary():
        task = there.running(model_id)
        if task is None:
            st.rerun()
        words = task_words.why(tasks.waiting_reason(task)) or task.message or "Waiting for a worker"
        st.progress(min(1.0, task.progress / 100), text=f":small[{sentence(words)}]")


@dialog("Retire this deployment?", icon=":material/logout:")
def retire_dialog(model: ModelRecord, found: DeploymentRecord) -> None:
    """What ends, and the button that ends it."""
    st.markdown(f"**{md(found.name)}** is deleted at {md(found.address)}. Programs that ask it there get an error.")
    st.caption(
        "The model then answers nowhere until it is deployed again." if model.only_there else "It still answers here."
    )
    if st.button("Retire", type="primary", key="retire_there_confirm"):
        with boundary():
            there.retire(model.id)
            st.rerun()
