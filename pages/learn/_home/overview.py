"""The lower half of Home: counts, recent activity and the journey."""

from __future__ import annotations

import streamlit as st

from core.services.learn.home import Overview
from pages.ui import components, first_steps, navigation, states
from pages.ui.format import ago, md, number, plural

_SCREEN_OF = {"dataset": "datasets", "job": "job", "model": "models", "task": "background_jobs"}


def counts(overview: Overview) -> None:
    """Datasets, labeled examples, jobs by state, models."""
    components.heading("In this studio")
    running = overview.jobs_by_state.get("running", 0) + overview.jobs_by_state.get("validating", 0)
    succeeded = overview.jobs_by_state.get("succeeded", 0)
    by_state = ", ".join(
        f"{count} {states.state_of(state).word.lower()}" for state, count in overview.jobs_by_state.items() if count
    )
    components.tiles(
        [
            components.Tile(
                "Training datasets",
                number(overview.datasets),
                f"{overview.ready_datasets} ready" if overview.datasets else None,
                chart=overview.datasets_series,
                arrow="off",
                help=f"{overview.ready_text}." if overview.datasets else None,
            ),
            components.Tile(
                "Labeled examples",
                number(overview.examples),
                f"{number(overview.train_examples)} for training" if overview.examples else None,
                chart=overview.examples_series,
                arrow="off",
                help="Input → output pairs over all datasets.",
            ),
            components.Tile(
                "Training jobs",
                number(overview.jobs),
                f"{running} running" if running else f"{succeeded} succeeded" if overview.jobs else None,
                chart=overview.jobs_series,
                help=by_state or "No training job yet.",
                arrow="off",
            ),
            components.Tile(
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
    """The latest activity; each row links to its screen."""
    components.heading("Recent activity")
    if not overview.activity:
        first_steps.no_data(
            "history",
            "No activity yet",
            "Datasets, jobs and models appear here. The demo creates one of each and needs no file.",
            "activity",
            primary=False,
        )
        return
    with st.container(border=True, gap="xsmall", key="activity"):
        for item in components.divided(overview.activity):
            screen = _SCREEN_OF.get(item.kind, "")
            query = {"id": item.id} if item.kind in ("dataset", "job", "model") else {}
            components.list_row(
                item.title,
                md(item.detail),
                aside=ago(item.at),
                state=item.state or None,
                link=(navigation.page_file(screen), query) if screen else None,
            )


def journey(overview: Overview) -> None:
    """The steps from data to a deployed model; each is checked off from real state."""
    done = sum(step.done for step in overview.journey)
    components.heading("Your journey", f"{done} of {plural(len(overview.journey), 'step')}")
    following = next((step.id for step in overview.journey if not step.done), None)
    with st.container(border=True, gap="small", key="journey"):
        for step in overview.journey:
            icon = ":green[:material/check_circle:]" if step.done else ":gray[:material/radio_button_unchecked:]"
            with components.spread(wrap=False, gap="xsmall"):
                with st.container(gap=None, width="stretch"):
                    name = f"**{step.title}**" if step.done or step.id == following else f":gray[{step.title}]"
                    st.markdown(f"{icon} {name}")
                    st.caption(md(step.detail))
                if step.id == following and step.page:
                    st.page_link(navigation.page_file(step.page), label=":blue[Next]", icon=":material/arrow_forward:")
