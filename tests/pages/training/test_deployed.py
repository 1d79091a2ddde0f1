"""Where a model is deployed, on its screen: publish, the smoke test, the engine, retire; and the download dialog.

AppTest cannot press a button in a dialog that a click opened, so the dialogs are drawn alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import ProviderError
from core.services.serving import model_files, publishing
from core.services.training import models
from core.services.training.models import ModelRecord
from pages.ui.format import md, sentence
from tests.pages.conftest import keys
from tests.support import runs
from tests.support.published import Shelf, shelf
from worker.run import execute


def _dialog(kind: str, model_id: str) -> None:
    from core.services.serving import publishing
    from core.services.training import models
    from pages.training._models import deployed, formats

    model = models.get_model(model_id)
    if kind == "publish":
        deployed.publish_dialog(model_id)
    elif kind == "download":
        formats.download_dialog(model_id)
    else:
        (found,) = publishing.published(model_id)
        if kind == "smoke":
            deployed.smoke_dialog("The shelf", found)
        else:
            deployed.retire_dialog(model, "The shelf", found)


def opened(kind: str, model: ModelRecord) -> AppTest:
    return AppTest.from_function(_dialog, default_timeout=60, kwargs={"kind": kind, "model_id": model.id}).run()


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    with shelf(monkeypatch) as entry:
        yield entry


@pytest.fixture
def model(studio_env: Path, tmp_path: Path) -> ModelRecord:
    return runs.succeed(runs.launch(runs.dataset()), tmp_path / "adapter")


def test_a_model_is_published_tested_and_retired(open_screen, read, model: ModelRecord, target: Shelf) -> None:
    target.says = "It is green."
    assert f"publish_{model.id}" in keys(open_screen("models", id=model.id))
    opened("publish", model).button(key="start_shelf").click().run()
    (task,) = publishing.running(model.id)
    execute(task.id, "test:1")
    (found,) = publishing.published(model.id)
    app = open_screen("models", id=model.id)
    assert md(found.smoke.summary) in read(app)
    assert {f"smoke_{found.id}", f"retire_{found.id}"} <= keys(app)
    assert "rounding" in read(opened("smoke", model))
    opened("retire", model).button(key="retire_confirm").click().run()
    assert publishing.published(model.id) == []


def test_a_failure_is_shown_and_an_unreachable_target_can_be_forgotten(
    open_screen, read, model: ModelRecord, target: Shelf
) -> None:
    execute(publishing.begin(model.id, "shelf").id, "test:1")
    target.fails = ProviderError("The shelf is not responding.", "Start it.")
    execute(publishing.begin(model.id, "shelf").id, "test:1")
    assert sentence(target.fails.message) in read(open_screen("models", id=model.id))
    app = opened("retire", model)
    assert "retire_forget" not in keys(app)
    app.button(key="retire_confirm").click().run()
    app.button(key="retire_forget").click().run()
    assert publishing.published(model.id) == []


def test_every_format_is_offered_or_refused(read, model: ModelRecord) -> None:
    app = opened("download", model)
    assert md("llama-quantize") in read(app)
    app.button(key="write_gguf-q8_0").click().run()
    assert list(model_files.running(model.id)) == ["gguf-q8_0"]


def test_an_archived_model_is_deployed_again(
    open_screen, studio_with_starter: Path, model: ModelRecord, target: Shelf
) -> None:
    models.archive([model.id])
    app = open_screen("models", id=model.id)
    assert f"publish_{model.id}" not in keys(app)
    app.button(key=f"deploy_{model.id}").click().run()
    assert f"publish_{model.id}" in keys(app)
    assert models.get_model(model.id).state == "active"


def test_a_model_whose_base_is_missing_is_not_deployed(open_screen, read, model: ModelRecord) -> None:
    models.archive([model.id])
    app = open_screen("models", id=model.id)
    app.button(key=f"deploy_{model.id}").click().run()
    assert "is missing" in read(app)
    assert models.get_model(model.id).state == "archived"
