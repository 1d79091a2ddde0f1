"""Empty screens lead to the demo, and to a job once there is a dataset for it."""

from __future__ import annotations

import pytest

from core.data.samples import load_sample
from core.services.data import datasets
from pages.ui import first_steps
from tests.pages.conftest import keys
from tests.support import runs

EMPTY = {"chat": "no_chat", "compare": "no_compare", "models": "no_models", "jobs": "no_jobs"}


@pytest.mark.parametrize(("screen", "key"), EMPTY.items())
def test_an_empty_screen_leads_to_the_demo(open_screen, read, screen: str, key: str) -> None:
    app = open_screen(screen)
    read(app)
    assert app.button(key=f"empty_btn_{key}").label == first_steps.DEMO[0]
    assert app.button(key=f"empty_new_job_{key}")


def test_with_a_dataset_the_job_comes_first(open_screen, read) -> None:
    sample = load_sample()
    datasets.create_dataset("Help desk", sample.train, sample.validation)
    app = open_screen("jobs")
    read(app)
    assert app.button(key="empty_btn_no_jobs").label != first_steps.DEMO[0]
    assert app.button(key="empty_demo_no_jobs")


@pytest.mark.parametrize("screen", ["chat", "compare", "models"])
def test_an_empty_screen_names_the_job_whose_model_comes(open_screen, read, screen: str) -> None:
    job = runs.launch(runs.dataset(), "Coming")
    app = open_screen(screen)
    shown = read(app)
    assert job.name in shown
    assert "coming" in keys(app) or app.button(key=f"empty_btn_{EMPTY[screen]}").label == first_steps.WATCH
