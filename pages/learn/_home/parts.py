"""The sections of the Home screen."""

from __future__ import annotations

import streamlit as st

from core.services.learn.home import Overview
from pages.ui import face, frame
from pages.ui.format import ago, md, number, plural

_ACTIONS = (
    # screen, icon, title, what it is, button
    (
        "upload",
        "note_add",
        "Upload Labeled Examples",
        "Input → Output pairs, from a table or a JSONL file. Every row is checked before it is used.",
        "Upload file",
    ),
    (
        "new_job",
        "model_training",
        "Start Training Job",
        "Supervised learning on your examples. You see memory, time and fit before you start.",
        "New job",
    ),
    (
        "import_conversations",
        "forum",
        "Import from Conversations",
        "Exported chats: what people asked becomes the input, what was answered the output. Redacted first.",
        "Import chats",
    ),
    (
        "demo",
        "play_circle",
        "Try the demo",
        "One click: the shipped sample is trained here, then base and tuned answer side by side.",
        "Start the demo",
    ),
)
_SCREEN_OF = {"dataset": "datasets", "job": "job", "model": "models", "task": "background_jobs"}


def hero() -> None:
    """What supervised fine-tuning is, as a picture: INPUT → OUTPUT."""
    with st.container(key="hero"):
        words, picture = st.columns([10, 12], gap="medium", vertical_alignment="center")
        with words, st.container(gap="xsmall"):
            st.title("Supervised Fine-Tuning", anchor=False)
            st.markdown(
                ":gray[Train custom AI models with labeled examples (input → output pairs) through supervised "
                "learning. The model learns patterns from these labeled pairs and improves its responses for "
                "similar questions.]"
            )
            st.space("xxsmall")
            with st.container(horizontal=True, gap="small", vertical_alignment="center"):
                start = "new_job" if frame.exists("new_job") else "upload"
                if st.button("Start training job", type="primary", icon=":material/play_arrow:", key="hero_start"):
                    st.switch_page(frame.page_file(start))
                if frame.exists("explainer") and st.button(
                    "What is Supervised Fine-Tuning?",
                    type="tertiary",
                    icon=":material/arrow_forward:",
                    icon_position="right",
                    key="hero_how",
                ):
                    st.switch_page(frame.page_file("explainer"))
        with (
            picture,
            st.container(horizontal=True, wrap=False, vertical_alignment="center", gap="small", key="hero_pic"),
        ):
            with st.container(border=True, gap="xsmall", height="stretch", key="pic_in"):
                st.markdown(":small[:gray[INPUT]]")
                st.markdown("What's the refund policy?")
                st.caption("What a person asks")
            with st.container(width="content", key="hero_arrow"):
                st.markdown(":blue[:material/arrow_forward:]", width="content")
            with st.container(border=True, gap="xsmall", height="stretch", key="on_pic_out"):
                st.markdown(":small[:blue[OUTPUT]]")
                st.markdown("We offer a **30-day money-back guarantee**, no questions asked.")
                st.caption("How you want it answered")


def quick_actions() -> None:
    """The ways to begin; a card appears when its screen does."""
    shown = [action for action in _ACTIONS if frame.exists(action[0])]
    face.heading("Start here", "Supervised fine-tuning requires labeled examples")
    with st.grid(max(len(shown), 1), min_column_width=250):
        for screen, icon, title, text, label in shown:
            with st.container(
                border=True, height="stretch", vertical_alignment="distribute", gap="small", key=f"start_{screen}"
            ):
                with st.container(gap="xxsmall"):
                    st.markdown(f"**:blue[:material/{icon}:] {title}**")
                    st.caption(text)
                if st.button(label, width="stretch", key=f"go_{screen}"):
                    # One click is enough: the demo begins as its screen opens.
                    query = {"start": "1"} if screen == "demo" else {}
                    st.switch_page(frame.page_file(screen), query_params=query)


def counts(overview: Overview) -> None:
    """Datasets, labeled examples, jobs by state, models."""
    face.heading("In this studio")
    running = overview.jobs_by_state.get("running", 0) + overview.jobs_by_state.get("validating", 0)
    by_state = ", ".join(
        f"{count} {face.state_of(state).word.lower()}" for state, count in overview.jobs_by_state.items() if count
    )
    face.tiles(
        [
            face.Tile(
                "Training datasets",
                number(overview.datasets),
                f"{overview.ready_datasets} ready" if overview.datasets else None,
                arrow="off",
                help=f"{overview.ready_text}." if overview.datasets else None,
            ),
            face.Tile(
                "Labeled examples",
                number(overview.examples),
                chart=overview.examples_series,
                help="Input → output pairs over all datasets.",
            ),
            face.Tile(
                "Training jobs",
                number(overview.jobs),
                f"{running} running" if running else None,
                chart=overview.jobs_series,
                help=by_state or "No job has been started yet.",
                arrow="off",
            ),
            face.Tile(
                "Models",
                number(overview.models),
                f"{overview.active_models} active" if overview.models else None,
                chart=overview.models_series,
                arrow="off",
            ),
        ],
        key="counts",
    )


def activity(overview: Overview) -> None:
    """What happened last, each line leading to its own screen."""
    face.heading("Recent activity")
    if not overview.activity:
        if face.empty(
            "history",
            "Nothing has happened yet",
            "Upload labeled examples, or try the demo: it needs no file of yours.",
            "Upload Labeled Examples",
            "activity",
            primary=False,
        ):
            st.switch_page(frame.page_file("upload"))
        return
    with st.container(border=True, gap="xsmall", key="activity"):
        for index, item in enumerate(overview.activity):
            if index:
                st.divider()
            screen = _SCREEN_OF.get(item.kind, "")
            query = {"id": item.id} if item.kind in ("dataset", "job", "model") else {}
            face.list_row(
                item.title,
                md(item.detail),
                aside=ago(item.at),
                state=item.state or None,
                link=(frame.page_file(screen), query) if screen and frame.exists(screen) else None,
            )


def journey(overview: Overview) -> None:
    """The way of a team, ticking itself from what is really there."""
    done = sum(step.done for step in overview.journey)
    face.heading("Your journey", f"{done} of {plural(len(overview.journey), 'step')}")
    following = next((step.id for step in overview.journey if not step.done), None)
    with st.container(border=True, gap="small", key="journey"):
        for step in overview.journey:
            icon = ":green[:material/check_circle:]" if step.done else ":gray[:material/radio_button_unchecked:]"
            with st.container(
                horizontal=True,
                wrap=False,
                vertical_alignment="center",
                horizontal_alignment="distribute",
                gap="xsmall",
            ):
                with st.container(gap=None, width="stretch"):
                    name = f"**{step.title}**" if step.done or step.id == following else f":gray[{step.title}]"
                    st.markdown(f"{icon} {name}")
                    st.caption(md(step.detail))
                if step.id == following and step.page and frame.exists(step.page):
                    st.page_link(frame.page_file(step.page), label=":blue[Next]", icon=":material/arrow_forward:")
