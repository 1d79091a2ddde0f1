"""The list that datasets, jobs, models and background jobs share: its controls, its address, many rows at once."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.platform.tasks.lease import acquire
from core.services.data import datasets
from core.services.platform import task_list, tasks
from core.services.platform.listing import View
from core.services.training import jobs, models
from core.services.training.models import ModelRecord
from pages.platform._background_jobs import rows as task_rows
from pages.training._jobs import rows as job_rows
from pages.ui.listing import ListScreen
from tests.pages.conftest import keys
from tests.support import runs

SCREENS: dict[str, ModuleType] = {"datasets": datasets, "jobs": jobs, "models": models, "background_jobs": task_list}


@pytest.fixture
def model(studio_env: Path, tmp_path: Path) -> ModelRecord:
    return runs.succeed(runs.launch(runs.dataset("Support"), "Support v1"), tmp_path / "adapter")


def items(app) -> list[str]:
    return [key.removeprefix("item_") for key in sorted(keys(app)) if key.startswith("item_")]


@pytest.mark.parametrize("screen", SCREENS)
def test_every_list_has_its_controls_from_the_first_item_on(screen: str, model: ModelRecord, open_screen, read) -> None:
    app = open_screen(screen)
    read(app)
    (_, shown) = SCREENS[screen].look_up(View())
    assert items(app) == sorted(row.id for row in shown)
    filters = {f"list_{one.id}" for one in SCREENS[screen].LISTING.filters}
    assert {"list_q", "list_sort", "list_page"} | filters <= keys(app)


@pytest.mark.parametrize("screen", SCREENS)
def test_what_is_shown_is_in_the_address(screen: str, model: ModelRecord, open_screen, read) -> None:
    app = open_screen(screen, q="nothing has this", sort="name")
    read(app)
    assert items(app) == []
    assert app.text_input(key="list_q").value == "nothing has this"
    assert app.selectbox(key="list_sort").value == "name"
    app.button(key="list_all").click().run()
    assert "q" not in app.query_params
    assert app.query_params["sort"] == "name"
    assert items(app)
    app.text_input(key="list_q").set_value("support").run()
    assert app.query_params["q"] == "support"
    assert items(app)


@pytest.mark.parametrize("screen", SCREENS)
def test_many_rows_are_archived_and_restored(screen: str, model: ModelRecord, open_screen, read) -> None:
    app = open_screen(screen)
    app.toggle(key="choosing_" + _noun(screen)).set_value(True).run()
    before = items(app)
    app.button(key="many_page").click().run()
    assert all(box.value for box in app.checkbox)
    app.button(key="many_archive").click().run()
    read(app)
    assert items(app) == []
    app.toggle(key="list_archived").set_value(True).run()
    assert items(app) == before
    app.checkbox(key=f"mark_{before[0]}").set_value(True).run()
    app.button(key="many_archive").click().run()
    read(app)
    assert items(app) == before[1:]


def _noun(screen: str) -> str:
    return {"background_jobs": "task"}.get(screen, screen.removesuffix("s"))


def test_an_address_that_means_nothing_is_no_error(studio_env: Path, open_screen, read) -> None:
    runs.launch(runs.dataset())
    read(open_screen("jobs", page="-9" * 40, sort="\0", state="%", q="x" * 9999, archived="no"))
    assert len(items(open_screen("jobs", page="x", sort="none"))) == 1


def _dialog(kind: str, job_id: str) -> None:
    import streamlit as st

    from pages.training._jobs.rows import SCREEN
    from pages.ui.listing import menu

    if kind == "rename":
        menu.rename_dialog("job", SCREEN.naming, job_id, "Support v1")
    else:
        menu.delete_dialog("job", SCREEN.naming, job_id, "Support v1", st.stop)


def test_the_menu_of_a_row_opens_its_dialogs(model: ModelRecord, open_screen, read) -> None:
    app = open_screen("jobs")
    for word, key in (("Rename", "rename"), ("Delete", "confirm_delete")):
        app.menu_button(key=f"rowmenu_{model.job_id}").click(word).run()
        read(app)
        assert key in {button.key for button in app.button}


def test_a_row_is_renamed(model: ModelRecord, read) -> None:
    app = AppTest.from_function(_dialog, kwargs={"kind": "rename", "job_id": model.job_id}).run()
    app.text_input(key="rename_to").set_value("Another name").run()
    app.button(key="rename").click().run()
    assert jobs.get_job(model.job_id).name == "Another name"


def test_deleting_a_job_names_its_model_first(model: ModelRecord, open_screen, read) -> None:
    app = AppTest.from_function(_dialog, kwargs={"kind": "delete", "job_id": model.job_id}).run()
    assert model.name in read(app)
    assert app.button(key="confirm_delete").disabled
    app.text_input(key="confirm_name").set_value("Support v1").run()
    app.button(key="confirm_delete").click().run()
    assert jobs.count_jobs().total() == 0
    assert models.get_model(model.id).job_deleted
    read(open_screen("models", id=model.id))


def test_a_job_that_has_not_ended_offers_no_archive(studio_env: Path, open_screen) -> None:
    job = runs.launch(runs.dataset())
    app = open_screen("jobs")
    assert app.menu_button(key=f"rowmenu_{job.id}").options == [":material/edit: Rename", ":material/delete: Delete"]


@pytest.mark.parametrize("screen", [job_rows.SCREEN, task_rows.SCREEN], ids=["jobs", "background_jobs"])
def test_a_waiting_list_is_drawn_again_only_once_it_has_changed(screen: ListScreen[Any], studio_env: Path) -> None:
    job = runs.launch(runs.dataset())
    drawn = screen.look_up(View())
    assert screen.changes(*drawn) == "the list", "it is watched, not drawn at every poll"
    assert screen.look_up(View()) == drawn
    task = tasks.get_task(job.task_id)
    assert acquire(task.id, "test") is not None
    begun = screen.look_up(View())
    assert begun != drawn
    assert screen.changes(*begun) == "a row", "its progress is drawn at every poll"


def test_a_finished_background_job_links_to_what_it_made(model: ModelRecord, open_screen, read) -> None:
    app = open_screen("background_jobs")
    read(app)
    made = {task_id: link.query for task_id, link in task_list.made(tasks.list_tasks()).items()}
    assert {"id": model.id} in made.values()
    assert {f"made_{task_id}" for task_id in made} <= keys(app)


def test_a_long_list_is_cut_into_pages(studio_env: Path, open_screen, read) -> None:
    for number in range(26):
        runs.dataset(f"Set {number}")
    app = open_screen("datasets", sort="oldest")
    assert len(items(app)) == 24
    app.pagination(key="list_page").select(2).run()
    read(app)
    assert app.query_params["page"] == "2"
    assert len(items(app)) == 2
    app.text_input(key="list_q").set_value("Set 1").run()
    assert "page" not in app.query_params, "another list begins with its first page"
