"""The sample datasets that ship with the studio. To add one: its file, and one line here."""

from __future__ import annotations

from core.data.samples.base import SAMPLES, SampleDataset, Teaches
from core.data.samples.support import SUPPORT
from core.data.samples.tickets import TICKETS

SAMPLES.add(TICKETS)
SAMPLES.add(SUPPORT)


def load_sample(sample_id: str = SUPPORT.id) -> SampleDataset:
    """A shipped sample. Raises NotFound."""
    return SAMPLES.get(sample_id)


__all__ = ["SAMPLES", "SampleDataset", "Teaches", "load_sample"]
