"""*Deploy there*: a model at its service's recorded server, from the button's task over its states to *Retire*."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import make_app
from core.cli import main
from core.errors import Conflict, NotFound
from core.services.platform import tasks
from core.services.serving import chat, served
from core.services.serving.publishing import there
from core.services.training.models import ModelRecord
from tests.support.hosted.server import Trouble
from tests.support.hosted.services import NebiusService
from tests.support.hosted.trained import at_nebius, nebius
from tests.support.llm_server import llm_server
from tests.support.notebook import notebook, tuned_there, visit

HELLO = [{"role": "user", "content": "What is item 3?"}]


@pytest.fixture
def server(studio_env: Path) -> Iterator[NebiusService]:
    with nebius() as running:
        yield running


@pytest.fixture
def model(server: NebiusService) -> ModelRecord:
    return at_nebius(server)


def state(model: ModelRecord) -> str:
    found = there.deployed(model.id)
    return str(found.details["state"]) if found else ""


def answer(model: ModelRecord) -> str:
    return "".join(chat.stream(model.id, HELLO))


def test_it_is_deployed_followed_answers_and_is_retired(model: ModelRecord, server: NebiusService) -> None:
    assert model.only_there
    with pytest.raises(Conflict, match="Deploy it there"):
        answer(model)
    assert model.id not in {one.id for one in served.served_models()}
    task = there.begin(model.id)
    assert there.begin(model.id).id == task.id
    waiting = visit(task.id)
    assert (waiting.state, waiting.message) == ("running", "Nebius Token Factory says “validating”")
    assert state(model) == "starting"
    with pytest.raises(Conflict, match="being deployed"):
        there.retire(model.id)
    assert visit(task.id).state == "running"
    server.change("active")
    ended = visit(task.id)
    assert ended.state == "succeeded", ended.error
    assert state(model) == "active"
    assert len(server.seen("POST", "/v0/models")) == 1
    found = there.deployed(model.id)
    assert found is not None
    assert found.name.startswith("meta-llama/Llama-3.1-8B-Instruct-LoRa:items")
    assert found.smoke.skipped.startswith("Not compared: the model does not answer in this studio")
    assert answer(model) == "It is blue."
    assert model.id in {one.id for one in served.served_models()}
    there.retire(model.id)
    assert there.deployed(model.id) is None
    assert server.custom[-1]["status"] == "deleted"
    with pytest.raises(Conflict):
        answer(model)
    with pytest.raises(NotFound):
        there.retire(model.id)


def test_one_that_fails_says_why_and_is_deployed_again(model: ModelRecord, server: NebiusService) -> None:
    task = there.begin(model.id)
    visit(task.id)
    server.change("error", "the rank is too high")
    failed = visit(task.id)
    assert failed.state == "failed"
    assert "the rank is too high" in failed.error["message"]
    assert state(model) == "failed"
    assert there.failure(model.id) is not None
    again = there.begin(model.id)
    visit(again.id)
    server.change("active")
    assert visit(again.id).state == "succeeded"
    assert there.failure(model.id) is None


def test_a_service_that_fails_for_a_while_is_asked_again(model: ModelRecord, server: NebiusService) -> None:
    task = there.begin(model.id)
    server.troubles.append(Trouble("POST", "v0/models", status=503, after=True))  # deployed, and the answer is lost
    waiting = visit(task.id)
    assert (waiting.state, waiting.lease_owner) == ("running", None)
    assert "asked again" in waiting.message
    visit(task.id)
    server.change("active")
    assert visit(task.id).state == "succeeded"
    assert len(server.custom) == 1


def test_one_that_was_deleted_in_the_console_no_longer_answers(model: ModelRecord, server: NebiusService) -> None:
    task = there.begin(model.id)
    visit(task.id)
    server.change("active")
    visit(task.id)
    server.change("deleted")
    assert there.look(model.id).details["state"] == "retired"
    with pytest.raises(Conflict):
        answer(model)


def test_a_cancel_ends_the_task_and_leaves_the_deployment(model: ModelRecord, server: NebiusService) -> None:
    task = there.begin(model.id)
    visit(task.id)
    tasks.request(task.id, "cancel")
    assert visit(task.id, due=False).state == "cancelled"
    assert state(model) == "starting"
    there.retire(model.id)
    assert server.custom[-1]["status"] == "deleted"


def test_only_a_service_that_offers_it(studio_env: Path, tmp_path: Path) -> None:
    with notebook(tmp_path / "notebook.json") as service, llm_server() as server:
        other = tuned_there(service, server.url)
        assert there.choice(other) is None
        with pytest.raises(Conflict, match="does not deploy models"):
            there.begin(other.id)
        with pytest.raises(NotFound):
            there.look(other.id)


def test_the_command_line_retires_it(model: ModelRecord, server: NebiusService, capsys) -> None:
    task = there.begin(model.id)
    visit(task.id)
    server.change("active")
    visit(task.id)
    assert main(["models", "retire", model.name, "--there"]) == 0
    assert "was retired at" in capsys.readouterr().err
    assert server.custom[-1]["status"] == "deleted"


@pytest.fixture
def client(studio_env: Path) -> Iterator[TestClient]:
    with TestClient(make_app("127.0.0.1"), base_url="http://127.0.0.1:8000") as opened:
        yield opened


def test_the_api_deploys_shows_and_retires_it(model: ModelRecord, server: NebiusService, client: TestClient) -> None:
    path = f"/api/v1/models/{model.id}/service-deployment"
    assert client.get(path).status_code == 404
    made = client.post(path)
    assert made.status_code == 202
    visit(made.json()["id"])
    server.change("active")
    visit(made.json()["id"])
    shown = client.get(path).json()
    assert (shown["state"], shown["provider_status"]) == ("active", "active")
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404
