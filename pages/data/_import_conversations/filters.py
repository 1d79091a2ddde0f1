"""Step 3 of importing conversations: dates, lengths, instructions and personal data, with what each choice costs."""

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

_LAYOUTS = {"whole": "A whole conversation", "exchanges": "Each input with its answer"}
_LENGTHS = ("min_exchanges", "max_exchanges", "min_answer_characters", "max_characters", "max_examples")


def filters_step(draft: DraftRecord) -> tuple[DraftRecord, bool]:
    """Draw the step; the draft, and whether an example is left."""
    main, side = st.columns([8, 5], gap="medium")
    with main:
        draft = _examples(draft)
        components.section_gap()
        draft = _dates(draft)
        components.section_gap()
        draft = _private(draft)
    with side, st.spinner("Counting"):
        found = chat_import.plan(chat_import.choices(draft.state))
        outcome(found, "filters")
    return draft, found.examples > 0


def outcome(found: ImportPlan, where: str) -> None:
    """What the choices give: examples, and every message that is in none, with its reason."""
    components.heading("What comes of it")
    components.tiles(
        [
            components.Tile("Labeled examples", number(found.imported)),
            components.Tile("Messages used", number(found.used), f"of {number(found.messages)}", arrow="off"),
        ],
        key=f"outcome_{where}",
    )
    if not found.examples:
        st.markdown(":red[:material/error: Not one example is left.] Loosen a filter, or look at the roles.")
    elif found.imported < 10:
        st.markdown(":red[:material/error: Fewer than 10 labeled examples.] Training needs at least 10.")
    elif found.imported < 50:
        st.markdown(":orange[:material/warning: Fewer than 50 labeled examples.] It works; 50 or more teach better.")
    left = sum(found.left.values())
    st.caption(f"{number(found.messages)} messages read = {number(found.used)} used + {number(left)} left out")
    components.section_gap()
    components.heading("Left out", plural(left, "message"))
    reasons(found.left, where)


def _examples(draft: DraftRecord) -> DraftRecord:
    state: dict[str, Any] = draft.state.get("recipe") or {}
    components.heading("The examples")
    with st.container(border=True, gap="small", key="filter_examples"):
        layout = st.segmented_control(
            "One example is",
            list(_LAYOUTS),
            default=state.get("layout") or "whole",
            required=True,
            format_func=_LAYOUTS.__getitem__,
            key=key(draft, "layout"),
            help="A whole conversation teaches how to go on; single exchanges are shorter and stand for themselves.",
        )
        system = st.text_area(
            str(ChatRecipe.model_fields["system"].title),
            value=state.get("system") or "",
            placeholder="You are the help desk of … (empty: what the log has)",
            height=80,
            max_chars=20_000,
            key=key(draft, "system"),
            help=ChatRecipe.model_fields["system"].description,
        )
        draft = recipe(draft, layout=layout, system=system)
        values = forms.form_fields(ChatRecipe, draft.state["recipe"], key(draft, "length"), _LENGTHS, columns=3)
        duplicates = st.toggle(
            "Leave out duplicates",
            value=bool(state.get("drop_duplicates", True)),
            key=key(draft, "duplicates"),
            help="Of examples that say exactly the same, the first one stays.",
        )
        return recipe(draft, **values, drop_duplicates=duplicates)


def _dates(draft: DraftRecord) -> DraftRecord:
    chosen = chat_import.choices(draft.state)
    found = chat_import.summary(chosen.source_id, chosen.options)
    components.heading("Dates", "when a conversation began")
    with st.container(border=True, gap="small", key="filter_dates"):
        if found.began is None or found.ended is None:
            st.caption("The log has no times that can be read, so it cannot be filtered by them.")
            return draft
        first, last = _day(found.began), _day(found.ended)
        since_s, until_s = chosen.recipe.since, chosen.recipe.until
        with st.grid(2, min_column_width=200):
            since = st.date_input(
                "From",
                value=None if since_s is None else _within(_day(since_s), first, last),
                min_value=first,
                max_value=last,
                format="YYYY-MM-DD",
                key=key(draft, "since"),
                help=f"The first message is of {first}.",
            )
            until = st.date_input(
                "Up to and including",
                value=None if until_s is None else _within(_day(until_s - 1), first, last),
                min_value=first,
                max_value=last,
                format="YYYY-MM-DD",
                key=key(draft, "until"),
                help=f"The last message is of {last}.",
            )
        if since and until and since > until:
            st.markdown(":red[:material/error: The first day is after the last one.]")
            return draft
        return recipe(draft, since=_stamp(since), until=_stamp(until, days=1))


def _private(draft: DraftRecord) -> DraftRecord:
    state: dict[str, Any] = draft.state.get("recipe") or {}
    components.heading("Personal data")
    with st.container(border=True, gap="small", key="filter_private"):
        redact = st.toggle(
            "Redact personal data and secrets",
            value=bool(state.get("redact", True)),
            key=key(draft, "redact"),
            help="Replaced by placeholders such as [EMAIL] in every example, and in the download of what is left out.",
        )
        names = st.toggle(
            "Redact the speakers' names",
            value=bool(state.get("redact_names", True)),
            key=key(draft, "redact_names"),
            disabled=not redact,
            help="Where a speaker's name stands in a message as the log writes it, it becomes [NAME].",
        )
        if not redact:
            st.markdown(
                ":orange[:material/warning: Names, addresses and keys go into the examples as they are.] A model can "
                "repeat what it was trained on."
            )
        return recipe(draft, redact=redact, redact_names=names)


def _day(stamp: float) -> date:
    return datetime.fromtimestamp(stamp).date()


def _within(day: date, first: date, last: date) -> date:
    """The day, moved to the nearest one that the log has: read in another time zone, its first day may be another."""
    return min(max(day, first), last)


def _stamp(day: date | None, days: int = 0) -> float | None:
    if day is None:
        return None
    return datetime.combine(day + timedelta(days=days), time()).timestamp()
