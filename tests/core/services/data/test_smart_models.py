"""Smart mode starts with a model that can write, and what a model invented needs a look."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.cli import main
from core.services.data import smart
from core.services.platform import connections
from core.services.serving import chat
from core.services.serving.chat import ChatModel
from tests.support import smart as helper
from tests.support.llm_server import Reply, Request, llm_server

LARGE = "org/large"


@pytest.fixture
def studio_models(studio_env: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The studio lists the starter, a model that was tuned from it, and a large one."""
    known = [
        ChatModel("fm_1", "Support v1", "tuned", "starter", "Starter"),
        ChatModel("starter", "Starter", "base", "starter", "Starter"),
    ]
    monkeypatch.setattr(chat, "available_models", lambda: known)
    monkeypatch.setattr(connections, "models", lambda connection_id: ("fm_1", "starter", LARGE))


def test_small_models_of_the_studio_are_last_by_name_and_with_a_warning(studio_models: None) -> None:
    listed = smart.writing_models(connections.STUDIO)
    assert [(model.id, model.title) for model in listed] == [
        (LARGE, LARGE),
        ("fm_1", "Support v1"),
        ("starter", "Starter"),
    ]
    assert [bool(model.warning) for model in listed] == [False, True, True]
    assert smart.default_model(listed) == LARGE
    assert smart.default_model(listed[1:]) == ""
    assert smart.model_title(connections.STUDIO, "fm_1") == "Support v1"
    assert smart.model_title("llm_1", "fm_1") == "fm_1"


def test_an_added_connection_comes_before_the_studio_and_all_its_models_count_as_able(studio_models: None) -> None:
    assert smart.default_connection() == connections.STUDIO
    added = helper.connect("http://127.0.0.1:9/v1")
    assert smart.default_connection() == added
    assert not any(model.warning for model in smart.writing_models(added))


def test_the_command_line_names_no_model_that_cannot_write(
    studio_env: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    helper.connect("http://127.0.0.1:9/v1", name="small ones")
    small = smart.WritingModel("starter", "Starter", "Starter is too small to write examples.")
    monkeypatch.setattr(smart, "writing_models", lambda connection_id: (small,))
    table = tmp_path / "things.csv"
    table.write_text("name,color\ncup,red\nlid,blue\n")
    assert main(["write", str(table), "--estimate", "--connection", "small ones"]) == 1
    assert small.warning in capsys.readouterr().err
    assert main(["write", str(table), "--estimate", "--connection", "small ones", "--model", "starter"]) == 0


def test_rows_with_something_to_check_are_separate_from_those_that_are_ready(database: str) -> None:
    def behave(request: Request) -> Reply:
        number = "987654" if request.row["name"] == "Thing 2" else ""
        pair = {"question": "Which color?", "answer": f"{request.row['colour']} {number}".strip()}
        return Reply(json.dumps({"more": [pair]}))

    with llm_server(behave) as server:
        connection = helper.connect(server.url, kind="openai", prices={"*": {"input": 0, "output": 0}})
        task = helper.begin(helper.things(4), helper.recipe(connection))
        assert helper.work(task.id).state == "succeeded"
    told = smart.progress(task.id)
    assert (told.ok, told.to_check, told.clean, told.flagged) == (4, 1, 3, 1)
    assert told.is_free
    assert [row.line for row in smart.rows(task.id, smart.TO_CHECK)] == [3]
    assert [row.line for row in smart.rows(task.id, smart.CLEAN)] == [2, 4, 5]
    assert len(smart.rows(task.id, "ok")) == 4
