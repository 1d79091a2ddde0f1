"""When a job starts: now, or at a set time."""

from __future__ import annotations

from datetime import datetime, timedelta

import streamlit as st

LATER_MIN = 60  # what is proposed: in an hour, at the next quarter


def draw(key: str) -> float | None:
    """The time in Unix seconds, by this machine's clock; None: as soon as possible."""
    if not st.toggle(
        "Start at a set time", key=f"{key}_planned", help="The job waits until then; Background jobs shows it."
    ):
        return None
    return fields(key)


def fields(key: str, at: float | None = None) -> float:
    """A day and a time, at first `at`."""
    proposed = datetime.fromtimestamp(at) if at else _proposed()
    with st.grid(2, min_column_width=120, gap="small"):
        day = st.date_input("Day", proposed.date(), key=f"{key}_day", format="YYYY-MM-DD")
        clock = st.time_input("Time", proposed.time().replace(second=0, microsecond=0), key=f"{key}_time", step=900)
    return datetime.combine(day, clock).timestamp()


def _proposed() -> datetime:
    later = datetime.now() + timedelta(minutes=LATER_MIN)
    return later + timedelta(minutes=-later.minute % 15)
