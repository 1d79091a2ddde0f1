"""A new job at a hosted service, and its screen: only what the service offers, under its own names."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from core.services.platform import drafts, tasks
from core.services.training import jobs
from core.services.training.jobs import JobRecord
from tests.pages.conftest import keys, shows
from tests.support import runs
from tests.support.jobs import make_dataset
from tests.support.notebook import Notebook, connect, notebook, visit
from tests.support.screens import part


@pytest.fixture
def service(studio_env: Path, tmp_path: Path) -> Iterator[Notebook]:
    with notebook(tmp_path / "notebook.json") as made:
        yield made


def launched() -> JobRecord:
    return jobs.create(
        dataset_id=make_dataset(validation=2).id, draft_key=None, connection=connect().id, base_model="small",
        method="lora", name="Elsewhere",
    )  # fmt: skip


def test_without_a_connection_it_says_how_to_add_one(open_screen, read) -> None:
    data = runs.dataset()
    app = open_screen("new_job")
    app.button(key=f"pick_ds_{data.id}").click().run()
    app.button(key="to_model").click().run()
    assert "add a connection that trains" in read(app)


def test_a_job_is_launched_with_what_the_service_offers(service: Notebook, open_screen, read) -> None:
    data, connection = make_dataset(validation=2), connect()
    draft = drafts.create("job", {"dataset_id": data.id, "connection": connection.id}, step="model")
    app = open_screen("new_job", draft=draft.id)
    said = read(app)
    assert shows("A service of the tests.", said)
    assert "your examples leave this machine" in said.lower()
    base = next(box for box in app.selectbox if box.label == "Base model")
    assert [option.split(" · ")[0] for option in base.options[1:]] == ["small", "large"]
    base.set_value("small").run()
    said = read(app)
    assert "Epochs" in [number.label for number in app.number_input]
    next(number for number in app.number_input if number.label == "Epochs").set_value(3).run()
    app.button(key="to_review").click().run()
    app.button(key="estimate_cost").click().run()
    assert "× 3 epochs ×" in part(app, "cost")
    said = read(app)
    assert "Items - small - v1" in said
    assert "3  ·  chosen by you" in said
    app.button(key="launch").click().run()
    (job,) = jobs.list_jobs()
    assert job.hosted is not None
    assert (job.provider, job.base_model, job.spec.hosted.hyperparameters) == ("notebook", "small", {"n_epochs": 3})


def test_a_list_that_fails_is_said_beside_the_field_and_asked_again(service: Notebook, open_screen, read) -> None:
    data, connection = make_dataset(), connect()
    service.fail("base_models", *[("The endpoint rejected the key.", "key")] * 3)
    draft = drafts.create("job", {"dataset_id": data.id, "connection": connection.id}, step="model")
    app = open_screen("new_job", draft=draft.id)
    assert shows("The endpoint rejected the key.", read(app))
    assert app.button(key="to_review").disabled
    service.fail("base_models")
    app.button(key="list_again").click().run()
    read(app)
    assert "Base model" in [box.label for box in app.selectbox]


def test_the_job_shows_its_service_and_is_asked_on_request(service: Notebook, open_screen, read) -> None:
    job = launched()
    visit(job.task_id)
    app = open_screen("job", id=job.id)
    said = read(app)
    assert "remote-0" in said
    assert "in_line" in said
    assert "In the provider's queue" in said
    app.button(key="sync").click().run()
    assert tasks.get_task(job.task_id).waits_until is None
    service.job(state="running", word="training", points=[[1, "train", {"loss": 2.0}], [2, "train", {"loss": 1.0}]])
    visit(job.task_id)
    service.fail("status", ("It is down.", "server"))
    visit(job.task_id)
    app = open_screen("job", id=job.id)
    said = read(app)
    assert shows("It is down.", said)
    assert "1 checkpoint" in [expander.label for expander in app.expander]


def test_train_again_keeps_the_service_and_its_settings(service: Notebook, open_screen, read) -> None:
    job = launched()
    visit(job.task_id)
    app = open_screen("new_job", again=job.id)
    read(app)
    (draft,) = drafts.list_open("job")
    assert (draft.state["connection"], draft.state["hosted_base"]) == (job.spec.hosted.connection_id, "small")
    assert not app.button(key="to_review").disabled


def test_a_local_job_is_planned_in_its_review(open_screen, read) -> None:
    data = runs.dataset()
    app = open_screen("new_job")
    app.button(key=f"pick_ds_{data.id}").click().run()
    app.button(key="to_model").click().run()
    app.button(key="to_review").click().run()
    next(toggle for toggle in app.toggle if toggle.label == "Start at a set time").set_value(True).run()
    app.date_input[0].set_value((datetime.now() + timedelta(days=2)).date()).run()
    app.button(key="launch").click().run()
    (job,) = jobs.list_jobs()
    assert job.starts_at is not None
    assert job.starts_at > time.time() + 86_400
    app = open_screen("job", id=job.id)
    assert "Starts on " in read(app)
    assert "start_now" in keys(app)
    app.button(key="start_now").click().run()
    assert jobs.get_job(job.id).starts_at is None
