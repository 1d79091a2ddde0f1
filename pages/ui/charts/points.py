"""The points of a run, cached in the session: each poll reads only new rows."""

from __future__ import annotations

import streamlit as st

from core.services.training import metrics
from core.services.training.jobs import JobRecord
from core.services.training.metrics import Point


class Series:
    """Training and validation points in order of their steps.

    A resumed run repeats the steps after its checkpoint; the earlier points of those steps are dropped.
    """

    def __init__(self, run: str) -> None:
        self.run = run
        self.train: list[Point] = []
        self.validation: list[Point] = []
        self.after = 0  # id of the newest row read

    def add(self, points: list[Point]) -> None:
        """Add rows in the order in which they were written."""
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
    def all(self) -> list[Point]:
        """Training points, then validation points."""
        return [*self.train, *self.validation]

    @property
    def token(self) -> object:
        """Changes with every point that is added, and is another one for every run."""
        return self.run, self.after

    def __len__(self) -> int:
        return len(self.train) + len(self.validation)


def kept_step(job: JobRecord) -> int:
    """The step whose weights became the model; 0 while there is no model."""
    return int(job.measured.get("kept_step") or 0) if job.state == "succeeded" else 0


def series_of(job: JobRecord) -> Series:
    """All points of a job so far."""
    slot = f"points_{job.id}_{job.attempt}"
    kept: Series = st.session_state.setdefault(slot, Series(slot))
    while found := metrics.since(job.id, kept.after):
        kept.add(found)
    return kept
