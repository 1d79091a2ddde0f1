"""Spending: what paid work costs, its budgets, and the prices that estimates are made of."""

from __future__ import annotations

from core.services.platform import spending
from pages.platform._spending import budgets, figures, open_work, prices
from pages.ui import addressed, components, downloads, guard
from pages.ui.errors import boundary

guard.require()

LEAD = (
    "What paid work costs: training at hosted services, smart mode, answers and judgments of models behind "
    "connections, and this machine's time where it has a price. Months are calendar months in UTC."
)

with boundary():
    known = spending.months()
    titles = {month: figures.month_title(month) for month in known} | {spending.ALL: "All time"}
    with components.header_row("Spending", LEAD, "Studio"):
        month = addressed.pick("Month", titles, "month", "spending_month", known[0], label_visibility="collapsed")
        found = spending.spending(month)
        if found.works:
            downloads.download(
                "Download CSV",
                lambda: iter([spending.spending_csv(found)]),
                file_name=f"spending-{month}.csv",
                mime="text/csv",
                key="spending_csv",
            )
    components.section_gap()
    with boundary():
        budgets.panel()
    components.section_gap()
    with boundary():
        figures.show(found)
    with boundary():
        open_work.show()
    components.section_gap()
    with boundary():
        prices.panel()
