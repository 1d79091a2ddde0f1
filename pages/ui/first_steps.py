"""The first steps of a studio: where to start while it has no data, and what an empty screen leads to."""

from __future__ import annotations

from core.services.data import datasets
from pages.ui import components

DEMO = ("Try the demo", "demo")
DATA = (("Convert data", "convert"), ("Upload", "upload"), ("Import conversations", "import_conversations"))
_JOB = ("Start Training Job", "new_job")


def no_model(icon: str, title: str, text: str, key: str) -> None:
    """The empty state of a screen that needs a model: to a job where there is a dataset for it, else to the demo."""
    ready = any(dataset.state == "validated" for dataset in datasets.choices())
    first, second = (_JOB, DEMO) if ready else (DEMO, _JOB)
    components.empty(icon, title, text, first[0], key, opens=first[1], others=(second,))


def no_data(icon: str, title: str, text: str, key: str, primary: bool = True) -> None:
    """The empty state of a screen that needs a dataset: the demo first, then the ways to bring data."""
    components.empty(icon, title, text, DEMO[0], key, primary, opens=DEMO[1], others=DATA)
