"""The Home screen: what supervised fine-tuning is, where to start, and what this studio contains."""

from __future__ import annotations

from core.data.samples import load_sample
from core.services.data import datasets
from tests.pages.conftest import keys


def test_an_empty_studio_shows_where_to_start(open_screen, read) -> None:
    app = open_screen("home")
    said = read(app)
    assert "Supervised Fine-Tuning" in said
    assert "What's the refund policy?" in said
    assert {"start_upload", "start_new_job", "start_import_conversations", "start_demo"} <= keys(app)
    assert "empty_btn_activity" in keys(app)


def test_it_counts_datasets_and_examples(open_screen, read) -> None:
    sample = load_sample()
    datasets.create_dataset("Help desk", sample.train, sample.validation)
    app = open_screen("home")
    said = read(app)
    assert "1 ready" in said
    assert f"{len(sample.train) + len(sample.validation)}" in said
    assert "Help desk" in said
