"""Step 3 of Import conversations: dates, lengths, instructions and personal data, with the resulting counts."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import streamlit as st

from core.services.data import chat_import
from core.services.data.chat_import import ChatRecipe
from core.services.data.chat_import.review_list import ImportPlan
from core.services.platform.drafts import DraftRecord
from pages.data._import_conversations.draft import recipe
from pages.data._import_conversations.left_out import reasons
from pages.ui import components, forms
from pages.ui.format import number, plural
from pages.ui.wizard.draft_state import key

LAYOUTS = {"whole": "A full conversation", "exchanges": "Each input with its answer"}
LENGTHS = ("min_quality", "min_exchanges", "max_exchanges", "min_answer_characters", "max_characters", "max_examples")


def filters_step(draft: DraftRecord) -> tuple[DraftRecord, bool]:
    """Draw the step. True when an example is left."""
    main, side = st.columns([8, 5], gap="medium")
    with main:
        draft = _examples(draft)
        components.section_gap()
        draft = _dates(draft)
        components.section_gap()
        draft = _private(draft)
    with side, st.spinner("Counting"):
        plan = chat_import.plan(chat_import.choices(draft.state))
        outcome(plan, "filters")
    return draft, plan.examples > 0


def outcome(plan: ImportPlan, where: str) -> None:
    """The number of examples, and the messages that are left out with their reasons."""
    components.heading("Result")
    components.tiles(
        [
            components.Tile("Labeled examples", number(plan.imported)),
            components.Tile("Messages used", number(plan.used), f"of {number(plan.messages)}", arrow="off"),
        ],
        key=f"outcome_{where}",
    )
    if not plan.examples:
        st.markdown(":red[:material/error: No examples are left.] Relax a filter, or check the roles.")
    elif plan.imported < 10:
        st.markdown(":red[:material/error: Fewer than 10 labeled examples.] Training needs at least 10.")
    elif plan.imported < 50:
        st.markdown(":orange[:material/warning: Fewer than 50 labeled examples.] 50 or more give better results.")
    left_out = sum(plan.left.values())
    st.caption(f"{number(plan.messages)} messages read = {number(plan.used)} used + {number(left_out)} left out")
    components.section_gap()
    components.heading("Left out", plural(left_out, "message"))
    reasons(plan.left, where)


def _examples(draft: DraftRecord) -> DraftRecord:
    state: dict[str, Any] = draft.state.get("recipe") or {}
    components.heading("The examples")
    with st.container(border=True, gap="small", key="filter_examples"):
        layout = components.switch(
            "One example is",
            LAYOUTS,
            key=key(draft, "layout"),
            default=state.get("layout") or "whole",
            help="A full conversation teaches follow-up answers; single exchanges are shorter and independent.",
            labeled=True,
        )
        system = st.text_area(
            str(ChatRecipe.model_fields["system"].title),
            value=state.get("system") or "",
            placeholder="You are the help desk of … (leave empty to use the log's)",
            height=80,
            max_chars=20_000,
            key=key(draft, "system"),
            help=ChatRecipe.model_fields["system"].description,
        )
        draft = recipe(draft, layout=layout, system=system)
        values = forms.form_fields(ChatRecipe, draft.state["recipe"], key(draft, "length"), LENGTHS, columns=3)
        duplicates = st.toggle(
            "Leave out duplicates",
            value=bool(state.get("drop_duplicates", True)),
            key=key(draft, "duplicates"),
            help="Of identical examples, only the first is imported.",
        )
        return recipe(draft, **values, drop_duplicates=duplicates)


def _dates(draft: DraftRecord) -> DraftRecord:
    chosen = chat_import.choices(draft.state)
    log = chat_import.summary(chosen.source_id, chosen.options)
    components.heading("Dates", "of the first message of a conversation")
    with st.container(border=True, gap="small", key="filter_dates"):
        if log.began is None or log.ended is None:
            st.caption("The log has no readable dates, so it cannot be filtered by date.")
            return draft
        first, last = _day(log.began), _day(log.ended)
        since_s, until_s = chosen.recipe.since, chosen.recipe.until
        with st.grid(2, min_column_width=200):
            since = st.date_input(
                "From",
                value=None if since_s is None else _within(_day(since_s), first, last),
                min_value=first,
                max_value=last,
                format="YYYY-MM-DD",
                key=key(draft, "since"),
                help=f"The first message is from {first}.",
            )
            until = st.date_input(
                "To (inclusive)",
                value=None if until_s is None else _within(_day(until_s - 1), first, last),
                min_value=first,
                max_value=last,
                format="YYYY-MM-DD",
                key=key(draft, "until"),
                help=f"The last message is from {last}.",
            )
        if since and until and since > until:
            st.markdown(":red[:material/error: The first day is after the last one.]")
            return draft
        return recipe(draft, since=stamp(since), until=stamp(until, days=1))


def _private(draft: DraftRecord) -> DraftRecord:
    state: dict[str, Any] = draft.state.get("recipe") or {}
    components.heading("Personal data")
    with st.container(border=True, gap="small", key="filter_private"):
        redact = st.toggle(
            "Redact personal data and secrets",
            value=bool(state.get("redact", True)),
            key=key(draft, "redact"),
            help="Replaced by placeholders such as [EMAIL] in every example and in the download of left-out messages.",
        )
        names = st.toggle(
            "Redact the speakers' names",
            value=bool(state.get("redact_names", True)),
            key=key(draft, "redact_names"),
            disabled=not redact,
            help="A speaker's name in a message, spelled as in the log, becomes [NAME].",
        )
        if not redact:
            st.markdown(
                ":orange[:material/warning: Names, addresses and keys stay in the examples.] A model can "
                "repeat what it was trained on."
            )
        return recipe(draft, redact=redact, redact_names=names)


def _day(stamp: float) -> date:
    return datetime.fromtimestamp(stamp).date()


def _within(day: date, first: date, last: date) -> date:
    """The day, clamped to the days of the log: in another time zone, its first day may differ."""
    return min(max(day, first), last)


def stamp(day: date | None, days: int = 0) -> float | None:
    """Midnight of a day, or of so many days later."""
    if day is None:
        return None
    return datetime.combine(day + timedelta(days=days), time()).timestamp()
