"""The points of a run as a screen keeps them between polls: read once, only new rows afterwards."""

from __future__ import annotations

import streamlit as st

from core.services.training import metrics
from core.services.training.jobs import JobRecord
from core.services.training.metrics import Point


class Series:
    """Training and validation points in the order of their steps.

    A resumed run computes the steps after its checkpoint anew; what was there before is forgotten then.
    """

    def __init__(self) -> None:
        self.train: list[Point] = []
        self.validation: list[Point] = []
        self.after = 0  # id of the newest row seen

    def add(self, points: list[Point]) -> None:
        """Take in rows as they were written, oldest first."""
        for point in points:
            kept = self.validation if point.split == "validation" else self.train
            if point.split != "validation" and kept and point.step <= kept[-1].step:
                self._forget(point.step)
            while kept and kept[-1].step >= point.step:
                kept.pop()
            kept.append(point)
            self.after = max(self.after, point.id)

    def _forget(self, step: int) -> None:
        for kept in (self.train, self.validation):
            while kept and kept[-1].step >= step:
                kept.pop()

    @property
    def last_step(self) -> int:
        return max((kept[-1].step for kept in (self.train, self.validation) if kept), default=0)

    def __len__(self) -> int:
        return len(self.train) + len(self.validation)


def kept_step(job: JobRecord) -> int:
    """The step whose weights the finished model has; 0 while there is none."""
    return int(job.measured.get("kept_step") or 0) if job.state == "succeeded" else 0


def series_of(job: JobRecord) -> Series:
    """All points of a job; a poll reads only what is new since the last one."""
    slot = f"points_{job.id}_{job.attempt}"
    kept: Series = st.session_state.setdefault(slot, Series())
    while found := metrics.since(job.id, kept.after):
        kept.add(found)
    return kept
