"""Long lists and queues: every entry can be reached, and a screen asks the database as often as for a short list."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event
from streamlit.testing.v1 import AppTest

from bench import crowd
from core.platform.db.engine import get_engine
from core.platform.tasks import store
from core.services.platform import tasks
from core.services.serving.evaluating import testing
from core.services.training import jobs, models
from pages.ui.navigation import page_file

ROOT = Path(__file__).parents[2]
MOST_QUERIES = 25  # of one screen


@pytest.fixture
def full(real_redis) -> None:
    crowd.fill(datasets=40, jobs=230, models=205)
    crowd.busy_worker()


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that this process sends to the database in the block."""
    found: list[str] = []

    def note(connection, cursor, statement, *rest) -> None:
        found.append(statement)

    engine = get_engine()
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


def opened(name: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "Home.py"), default_timeout=180).run()
    return app.switch_page(str(page_file(name).relative_to(ROOT))).run()


@pytest.mark.parametrize("name", ["background_jobs", "jobs", "models", "datasets", "new_job", "home"])
def test_a_screen_of_a_full_studio_asks_a_few_queries(full, name: str) -> None:
    app = opened("explainer") if name == "home" else opened(name)
    with counted() as statements:
        app.run() if name != "home" else app.switch_page(str(page_file(name).relative_to(ROOT))).run()
    assert not app.exception
    assert 0 < len(statements) <= MOST_QUERIES, statements


def test_every_waiting_job_says_its_place_in_line(full) -> None:
    waiting = jobs.list_jobs(state="pending", limit=500)
    places = [job.waiting_reason for job in reversed(waiting)]
    assert len(places) == 230
    assert places[0] == "Waits for “Build the starter model”."
    assert places[1] == "the training worker is busy (Build the starter model); 2nd in line."
    assert places[-1] == "the training worker is busy (Build the starter model); 230th in line."


def test_the_last_page_shows_the_oldest_job_and_task(full) -> None:
    assert jobs.count_jobs().total() == 230 + 205
    app = opened("jobs")
    app.query_params["page"] = "19"  # of 24 each
    app.run()
    assert not app.exception
    oldest = jobs.list_jobs(limit=1, offset=434)[0]
    assert any(oldest.id in str(link.proto) for link in app.get("page_link"))
    assert len(tasks.list_tasks(limit=25, offset=425)) == 11


def test_what_is_newest_of_one_model_is_found_behind_hundreds_of_others(full) -> None:
    from core.platform.db.uow import UnitOfWork

    model = models.list_models()[0]
    with UnitOfWork() as uow:
        for number in range(230):
            job_id = model.job_id if number == 0 else f"job_{number}"
            payload = {"job_id": job_id, "dataset_version_id": "dsv_1"}
            store.create(uow, kind="evaluation", title="Test", payload=payload, idempotency_key=f"t{number}")
        uow.commit()
    found = testing.running(model.id)
    assert found is not None
    assert found.payload["job_id"] == model.job_id
