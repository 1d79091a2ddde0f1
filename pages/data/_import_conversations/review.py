"""Step 4 of Import conversations: keep, edit or drop the examples one by one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.messages import Message
from core.services.data import chat_import
from core.services.data.chat_import import review_list as chat_review
from core.services.data.chat_import.review_list import Choices, ImportPlan, ReviewItem
from core.services.platform.drafts import DraftRecord
from pages.ui import components
from pages.ui.dialogs import dialog
from pages.ui.escaping import visible
from pages.ui.examples import example_view, message_editor
from pages.ui.format import clock, day, md, number, plural
from pages.ui.wizard.draft_state import save

PER_PAGE = 6
_SHOWS = {"all": "All", "new": "Not reviewed", "keep": "Kept", "edit": "Edited", "drop": "Dropped"}
_BADGES = {
    "keep": components.badge_md("Kept", "green", "check"),
    "edit": components.badge_md("Edited", "blue", "edit"),
    "drop": components.badge_md("Dropped", "gray", "block"),
}
_EDITOR = "chat_editor"
_PLACEHOLDER = re.compile(r"\[[A-Z][A-Z ]{2,20}\]")


def review_step(draft: DraftRecord) -> tuple[DraftRecord, bool]:
    """Draw the step. True when an example is left."""
    chosen = chat_import.choices(draft.state)
    plan = chat_import.plan(chosen)
    _progress(plan)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="review_bar"):
        show = components.switch("Show", _SHOWS, key="review_show", default="all")
        search = st.text_input(
            "Search", placeholder="Search in the examples", label_visibility="collapsed", width=260, key="review_search"
        )
    page_key = f"review_page_{show}_{search}"
    current = int(st.session_state.get(page_key, 1))
    page = chat_import.review(chosen, (current - 1) * PER_PAGE, PER_PAGE, show or "all", search)
    if not page.items and current > 1:  # the last example of this page was decided
        st.session_state.pop(page_key, None)
        st.rerun()
    if not page.total:
        with st.container(border=True):
            st.caption("No examples match. Try a different view or search.")
        return draft, plan.imported > 0
    draft = _bulk(draft, page.items, show or "all", search, page.total)
    with st.grid(2, min_column_width=320):
        for item in page.items:
            _card(draft, chosen, item)
    components.pages(page.total, PER_PAGE, key=page_key)
    return draft, plan.imported > 0


def _progress(plan: ImportPlan) -> None:
    share = plan.decided / plan.examples if plan.examples else 0.0
    with st.container(border=True, gap="xsmall", key="review_progress"):
        with components.spread():
            st.markdown(
                f"**{number(plan.imported)}** of {plural(plan.examples, 'labeled example')} will be imported",
                width="content",
            )
            st.caption(
                f"{number(plan.decided)} reviewed · {number(plan.edited)} edited · {number(plan.dropped)} dropped",
                width="content",
            )
        st.progress(min(1.0, share))
        st.caption("Examples that you do not review are imported as shown.")
        if plan.stale:
            st.caption(
                f":orange[:material/info: {plural(plan.stale, 'decision')}] apply to examples the current "
                "filters hide; they return when you change the filters."
            )


def _bulk(draft: DraftRecord, items: list[ReviewItem], show: str, search: str, total: int) -> DraftRecord:
    with components.spread():
        st.caption(plural(total, "example"), width="content")
        with st.container(horizontal=True, gap="xsmall", width="content"):
            fresh = [item for item in items if not item.decision]
            if st.button(
                f"Keep these {len(fresh)}" if len(fresh) > 1 else "Keep this one",
                icon=":material/done_all:",
                disabled=not fresh,
                key="keep_page",
                help="Keep the examples on this page that have no decision yet.",
            ):
                _decide(draft, {item.key: {"do": chat_review.KEEP} for item in fresh})
            if search.strip() and st.button(
                f"Drop all {total:,} matches",
                icon=":material/block:",
                key="drop_found",
                help="Drop every example that matches the search.",
            ):
                chosen = chat_import.choices(draft.state)
                matches = chat_import.review(chosen, 0, total, show, search).items
                _decide(draft, {item.key: {"do": chat_review.DROP} for item in matches})
    return draft


def _card(draft: DraftRecord, chosen: Choices, item: ReviewItem) -> None:
    with st.container(
        border=True,
        gap="xsmall",
        height="stretch",
        vertical_alignment="distribute",
        key=f"chat_{item.decision or 'new'}_{item.number}",
    ):
        with st.container(gap="xsmall"):
            with components.spread():
                st.caption(_note(item), width="stretch")
                st.markdown(f":small[{_BADGES.get(item.decision, '')}]", width="content")
            st.markdown(f":small[{_quality(item)}]")
            for message in item.messages:
                example_view.one(message, 900)
            redacted = _placeholders(item.messages) if item.redactions else {}
            if redacted:
                words = " ".join(
                    components.badge_md(f"{md(word)} × {count}", "orange") for word, count in redacted.items()
                )
                st.markdown(f":small[Redacted: {words}]")
        with st.container(horizontal=True, gap="xsmall"):
            _buttons(draft, chosen, item)


def _quality(item: ReviewItem) -> str:
    """The quality score, and what it is made of, as markdown."""
    score = item.quality.score
    color = "green" if score > chat_review.UNRATED else "gray" if score == chat_review.UNRATED else "orange"
    return f"{components.badge_md(f'Quality {score}', color)} :gray[{md(item.quality.text)}]"


def _placeholders(items: Sequence[Message]) -> dict[str, int]:
    """The placeholders in an example and how often each appears."""
    return Counter(word for message in items for word in _PLACEHOLDER.findall(message.content))


def _buttons(draft: DraftRecord, chosen: Choices, item: ReviewItem) -> None:
    if st.button(
        "Keep", icon=":material/check:", disabled=item.decision in ("keep", "edit"), key=f"keep_{item.number}"
    ):
        _decide(draft, {item.key: {"do": chat_review.KEEP}})
    if st.button("Edit", icon=":material/edit:", key=f"edit_{item.number}"):
        message_editor.begin(_EDITOR, [message.to_dict() for message in item.messages])
        _edit(draft, item)
    if st.button("Drop", icon=":material/block:", disabled=item.decision == "drop", key=f"drop_{item.number}"):
        _decide(draft, {item.key: {"do": chat_review.DROP}})
    if item.decision and st.button(
        "Undo",
        type="tertiary",
        icon=":material/undo:",
        key=f"undo_{item.number}",
        help="Restore the text of the log." if item.decision == "edit" else "Remove the decision.",
    ):
        _decide(draft, {item.key: None})


@dialog("Edit this example", width="large", icon=":material/edit:")
def _edit(draft: DraftRecord, item: ReviewItem) -> None:
    st.caption("It is imported exactly as you save it; nothing is redacted afterwards.")
    edited = message_editor.editor(_EDITOR)
    if edited is not None and st.button("Save example", type="primary", icon=":material/check:", key="save_edit"):
        checked = chat_review.checked_edit(edited)
        _decide(draft, {item.key: {"do": chat_review.EDIT, "messages": checked}})


def _decide(draft: DraftRecord, decisions: Mapping[str, Mapping[str, Any] | None]) -> None:
    """Save decisions in the draft (None removes one) and rerun the page."""
    now = {**(draft.state.get("decisions") or {}), **decisions}
    save(draft, decisions={name: value for name, value in now.items() if value is not None})
    st.rerun()


def _note(item: ReviewItem) -> str:
    parts = [f"Example {item.number + 1:,}"]
    if item.title:
        parts.append(md(visible(item.title), 60))
    if item.began is not None:
        parts.append(f"{day(item.began)}, {clock(item.began)}")
    if item.line and not item.place:
        parts.append(f"line {item.line:,}")
    return " · ".join(parts)
