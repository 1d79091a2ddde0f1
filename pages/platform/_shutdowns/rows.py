"""One model that goes dark: its dates, what uses it, and the actions before that day."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

import streamlit as st

from core.services.serving import shutdowns
from core.services.serving.shutdowns import ShutdownRecord, Use
from pages.platform._shutdowns.actions import answers_dialog, change_dialog, forget
from pages.ui import components, dark_soon, navigation
from pages.ui.format import md, plural

_SCREENS: Final = {"agent": "agents", "evaluation": "evaluate", "tuned": "models"}
_MOST_USES: Final = 5
_KINDS: Final = {"agent": "agent", "evaluation": "evaluation", "tuned": "tuned model"}


def row(record: ShutdownRecord) -> None:
    """Draw it."""
    key = f"{record.host}_{record.model}"
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key=f"shutdown_{key}"):
        with st.container(gap="xxsmall", width="stretch", key=f"rowtext_{key}"):
            st.markdown(f"**{md(record.model)}** {_badge(record)}")
            st.caption(" · ".join(_facts(record)))
            _uses(record)
        if (
            record.used_by
            and not record.is_off
            and st.button("Record its answers", icon=":material/save:", type="tertiary", key=f"answers_{key}")
        ):
            answers_dialog(record)
        if record.used_by:
            _successor(record, f"successor_{key}")
        if st.button("Edit", type="tertiary", key=f"edit_{key}"):
            change_dialog(record)
        st.button("Remove", type="tertiary", key=f"remove_{key}", on_click=forget, args=(record,))


def _successor(record: ShutdownRecord, key: str) -> None:
    """To New job, with what is known of the model's training."""
    found = shutdowns.start_of(record)
    if found.job_id:
        query = {"again": found.job_id, "replaces": record.model}
        text = "Opens New job with the dataset, method and settings of its training; choose another base model there."
    elif found.dataset_id:
        query = {"dataset": found.dataset_id, "replaces": record.model}
        text = "Opens New job with the dataset that it was evaluated on; choose another base model there."
    else:
        query, text = {"replaces": record.model}, "Opens New job: choose the dataset and another base model."
    navigation.button(
        "Train its successor", "new_job", query, icon=":material/model_training:", type="tertiary", key=key, help=text
    )


def _distinct(uses: tuple[Use, ...]) -> list[Use]:
    return list({(use.kind, use.id): use for use in uses}.values())


def _uses(record: ShutdownRecord) -> None:
    found = _distinct(record.used_by)
    if not found:
        return
    with st.container(horizontal=True, gap="small", key=f"uses_{record.host}_{record.model}"):
        for use in found[:_MOST_USES]:
            _use(use)
        if len(found) > _MOST_USES:
            st.caption(f"and {len(found) - _MOST_USES} more", width="content")


def _use(use: Use) -> None:
    st.page_link(
        navigation.page_file(_SCREENS[use.kind]),
        label=f"{md(use.title)} :gray[({_KINDS[use.kind]})]",
        query_params={"id": use.id},
        width="content",
    )


def _badge(record: ShutdownRecord) -> str:
    if record.is_off:
        return components.badge_md("Off", "gray", "power_settings_new")
    words = "today" if record.days_left == 0 else f"in {plural(record.days_left, 'day')}"
    return components.badge_md(words, dark_soon.color(record), "event_busy")


def _facts(record: ShutdownRecord) -> list[str]:
    facts = [md(record.host), f"{'off since' if record.is_off else 'goes dark on'} {md(record.shutdown_on)}"]
    if record.jobs_end_on:
        facts.append(f"no new jobs from {md(record.jobs_end_on)}")
    origin = {"live": "from the provider's list", "entered": "entered here"}.get(record.origin, "announced")
    source = urlsplit(record.source).hostname or record.source
    return [*facts, f"{origin}{f' ({md(source, 60)})' if source else ''}, seen {md(record.seen_on)}"]
