"""The Home screen: what it is, where to begin, and what is really there."""

from __future__ import annotations

from core.data.samples import load_sample
from core.services.data import datasets


def test_an_empty_studio_says_what_to_do_first(open_screen, read) -> None:
    said = read(open_screen("home"))
    assert "Supervised Fine-Tuning" in said
    assert "What's the refund policy?" in said
    assert "Upload Labeled Examples" in said
    assert "Nothing has happened yet" in said


def test_it_counts_what_is_there(open_screen, read) -> None:
    sample = load_sample()
    datasets.create_dataset("Help desk", sample.train, sample.validation)
    app = open_screen("home")
    said = read(app)
    assert "1 ready" in said
    assert f"{len(sample.train) + len(sample.validation)}" in said
    assert "Help desk" in said
