"""*Deploy there* on the screen of a model: the button, the states, and *Retire*."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.services.serving.publishing import there
from core.services.training import models
from core.services.training.models import ModelRecord
from tests.support.hosted.services import NebiusService
from tests.support.hosted.trained import at_nebius, nebius
from tests.support.llm_server import llm_server
from tests.support.notebook import notebook, tuned_there, visit


@pytest.fixture
def server(studio_env: Path) -> Iterator[NebiusService]:
    with nebius() as running:
        yield running


@pytest.fixture
def model(server: NebiusService) -> ModelRecord:
    return at_nebius(server)


def keys(app: AppTest) -> set[str]:
    return {str(button.key) for button in app.button}


def _retire(model_id: str) -> None:
    from core.services.serving.publishing import there
    from core.services.training import models
    from pages.training._models.there import retire_dialog

    found = there.deployed(model_id)
    assert found is not None
    retire_dialog(models.get_model(model_id), found)


def test_the_button_deploys_and_the_states_are_shown(open_screen, read, model, server: NebiusService) -> None:
    app = open_screen("models", id=model.id)
    assert "Does not answer" in read(app)
    app.button(key=f"deploy_there_{model.id}").click().run()
    task = there.running(model.id)
    assert task is not None
    visit(task.id)
    app = open_screen("models", id=model.id)
    assert "Starting" in read(app)
    assert f"retire_there_{model.id}" not in keys(app)
    server.change("active")
    visit(task.id)
    app = open_screen("models", id=model.id)
    said = read(app)
    assert "Answers" in said
    assert f"deploy_there_{model.id}" not in keys(app)
    server.change("deleted")
    app.button(key=f"look_{model.id}").click().run()
    assert "Retired" in read(app)
    assert f"deploy_there_{model.id}" in keys(app)


def test_a_model_that_does_not_answer_is_not_offered_for_chat_or_compare(open_screen, model, server) -> None:
    ways = {f"chat_detail_{model.id}", f"compare_detail_{model.id}"}
    assert not ways & keys(open_screen("models", id=model.id))
    task = there.begin(model.id)
    visit(task.id)
    server.change("active")
    visit(task.id)
    assert ways <= keys(open_screen("models", id=model.id))


def test_compare_brings_the_base_that_answers_beside_it_at_the_service(open_screen, read, model, server) -> None:
    task = there.begin(model.id)
    visit(task.id)
    server.change("active")
    visit(task.id)
    model = models.get_model(model.id)
    app = open_screen("compare", model=model.id)
    chosen = app.multiselect(key="models").value
    assert chosen == [model.base_there, model.id]
    assert "no longer on this machine" not in read(app)


def test_a_failure_is_shown_with_its_reason_and_can_be_tried_again(open_screen, read, model, server) -> None:
    task = there.begin(model.id)
    visit(task.id)
    server.change("error", "the rank is too high")
    visit(task.id)
    app = open_screen("models", id=model.id)
    said = read(app)
    assert "Failed" in said
    assert "the rank is too high" in said
    assert f"deploy_there_{model.id}" in keys(app)


def test_retire_says_what_ends(read, model: ModelRecord, server: NebiusService) -> None:
    task = there.begin(model.id)
    visit(task.id)
    server.change("active")
    visit(task.id)
    dialog = AppTest.from_function(_retire, kwargs={"model_id": model.id}, default_timeout=180).run()
    assert "answers nowhere until it is deployed again" in read(dialog)
    dialog.button(key="retire_there_confirm").click().run()
    assert there.deployed(model.id) is None
    assert server.custom[-1]["status"] == "deleted"


def test_a_service_without_deployments_has_no_button(open_screen, read, studio_env: Path, tmp_path: Path) -> None:
    with notebook(tmp_path / "notebook.json") as service, llm_server() as other:
        model = tuned_there(service, other.url)
        app = open_screen("models", id=model.id)
        assert "Answers there" in read(app)
        assert not any("deploy_there" in key for key in keys(app))
