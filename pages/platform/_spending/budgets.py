"""The budgets of this month with their bars, and the dialog that changes one."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Final

import streamlit as st

from core.errors import StudioError
from core.services.platform import budgets
from core.services.platform.budgets import BudgetRecord
from pages.ui import components, person
from pages.ui.dialogs import dialog
from pages.ui.errors import field_error
from pages.ui.format import md, percent, usd
from pages.ui.theme import Color

_ABOUT: Final = {
    "studio": "Everything together",
    "training": "Hosted training, and this machine's time where it has a price",
    "smart": "Examples, variations, previews and proposals that a model writes",
    "judging": "Evaluations: answers and judgments of models behind connections",
    "answers": "Chat, Compare, agents and programs: answers of models behind connections",
}
_BADGES: Final[Mapping[str, tuple[str, Color, str]]] = {
    "warning": ("Nearly used", "orange", ":material/warning:"),
    "reached": ("Used up", "red", ":material/block:"),
}


def panel() -> None:
    """A row for each budget: its bar, what is left, and the button that changes it."""
    components.heading("Budgets", "this month, in US dollars")
    with st.container(border=True, gap="small", key="budgets"):
        for budget in components.divided(budgets.get_budgets()):
            _row(budget)
    st.caption(
        "A warning is sent at 80%. At 100% new paid work is stopped; it can be started all the same with a reason, "
        "which is recorded. What work may cost is reserved when it starts, and replaced by its bill when it ends."
    )


def _row(budget: BudgetRecord) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"budget_{budget.kind}"):
        with st.container(gap="xxsmall", width="stretch"):
            with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
                st.markdown(f"**{md(budget.title)}**", width="content")
                if budget.state in _BADGES:
                    word, color, icon = _BADGES[budget.state]
                    st.badge(word, color=color, icon=icon)
            st.caption(_ABOUT[budget.kind])
            if budget.limit_usd is not None:
                _bar(budget)
            st.markdown(f":small[{_words(budget)}]", width="stretch")
        if st.button("Edit" if budget.limit_usd is not None else "Set", key=f"edit_budget_{budget.kind}"):
            edit(budget)


def _words(budget: BudgetRecord) -> str:
    spent, reserved = f"{md(usd(budget.spent_usd))} spent", f"{md(usd(budget.reserved_usd))} reserved"
    if budget.limit_usd is None:
        return f"{spent} · {reserved} · :gray[no limit]"
    left = max(budget.limit_usd - budget.used_usd, 0.0)
    return (
        f"{spent} · {reserved} · **{md(usd(left))} left** of {md(usd(budget.limit_usd))} ({percent(budget.share)} used)"
    )


def _bar(budget: BudgetRecord) -> None:
    """Spent in the accent, reserved in gray; a red edge where the budget is exceeded."""
    scale = max(budget.limit_usd or 0.0, budget.used_usd, 1e-9)
    parts = "".join(
        f'<div class="studio-m{shade}" style="width:{100 * amount / scale:.1f}%"></div>'
        for shade, amount in ((1, budget.spent_usd), (6, budget.reserved_usd))
    )
    over = " studio-bar-over" if budget.used_usd > (budget.limit_usd or 0.0) else ""
    label = html.escape(f"{usd(budget.used_usd)} of {usd(budget.limit_usd)} used or reserved")
    st.html(f'<div class="studio-bar{over}" role="img" aria-label="{label}">{parts}</div>')


@dialog("Budget", icon=":material/savings:")
def edit(budget: BudgetRecord) -> None:
    """The limit of a calendar month; empty removes it."""
    st.markdown(f"**{md(budget.title)}**: {_ABOUT[budget.kind][0].lower()}{_ABOUT[budget.kind][1:]}.")
    limit = st.number_input(
        "US dollars per calendar month (UTC)",
        0.0,
        value=budget.limit_usd,
        step=10.0,
        format="%.2f",
        placeholder="No limit",
        key=f"budget_limit_{budget.kind}",
    )
    slot = st.container()
    st.caption("Leave it empty for no limit. 0 stops all new paid work. Running work is not stopped.")
    with st.container(horizontal=True, gap="small"):
        saved = st.button("Save", type="primary", key="budget_save")
        removed = budget.limit_usd is not None and st.button("Remove the limit", type="tertiary", key="budget_remove")
    if not saved and not removed:
        return
    try:
        budgets.set_budget(budget.kind, None if removed else limit, person.name())
    except StudioError as error:
        with slot:
            field_error(error)
        return
    st.rerun()
