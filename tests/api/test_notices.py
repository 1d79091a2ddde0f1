"""Notices, their targets and the calendar of shutdowns over HTTP and on the command line; addresses are never shown."""

from __future__ import annotations

import io
import json

import pytest

from core import cli
from core.platform.db.uow import UnitOfWork
from core.services.platform import notices
from tests.support.receivers import webhook

SECRET = "Zz9-s3cret-t0ken"


def test_a_target_is_added_tested_changed_and_deleted(client) -> None:
    with webhook() as received:
        body = {"name": "Hook", "service": "webhook", "address": f"http://127.0.0.1:{received.port}/{SECRET}"}
        made = client.post("/api/v1/notices/targets", json=body)
        assert made.status_code == 201
        path = f"/api/v1/notices/targets/{made.json()['id']}"
        assert client.post(f"{path}/test").json()["ok"] is True
        assert received.titles == ["SFT Studio: test"]
    assert client.put(path, json={"name": "Other", "kinds": ["job_failed"]}).json()["kinds"] == ["job_failed"]
    assert client.post(f"{path}/test").json()["ok"] is False
    listed = client.get("/api/v1/notices/targets")
    assert [each["name"] for each in listed.json()] == ["Other"]
    assert SECRET not in made.text + listed.text
    assert client.delete(path).status_code == 204
    assert client.delete(path).status_code == 404


def test_notices_are_read_and_targets_need_an_admin(open_api, new_key) -> None:
    with UnitOfWork() as uow:
        notices.send(uow, "job_ended", "“Support” finished", link="job?id=job_1")
        uow.commit()
    reader = open_api(key=new_key("read"))
    assert [each["title"] for each in reader.get("/api/v1/notices").json()] == ["“Support” finished"]
    assert reader.get("/api/v1/notices/targets").status_code == 403
    assert reader.put("/api/v1/shutdowns", json={}).status_code == 403


def test_a_shutdown_is_entered_and_removed(client) -> None:
    body = {"host": "api.example.com", "model": "big-1", "shutdown_on": "2099-03-01"}
    assert client.put("/api/v1/shutdowns", json=body).json()["origin"] == "entered"
    assert "big-1" in [each["model"] for each in client.get("/api/v1/shutdowns").json()]
    assert client.put("/api/v1/shutdowns", json=body | {"shutdown_on": "soon"}).status_code == 400
    gone = {"host": "api.example.com", "model": "big-1"}
    assert client.delete("/api/v1/shutdowns", params=gone).status_code == 204
    assert client.delete("/api/v1/shutdowns", params=gone).status_code == 404


def test_the_command_line_adds_and_tests_a_target(
    studio_env, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with webhook() as received:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"http://127.0.0.1:{received.port}/{SECRET}\n"))
        assert cli.main(["notices", "add", "Hook", "--service", "webhook"]) == 0
        assert cli.main(["notices", "test", "Hook"]) == 0
        assert received.titles == ["SFT Studio: test"]
    assert cli.main(["notices", "test", "Hook"]) == 1
    capsys.readouterr()
    assert cli.main(["notices", "--json"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["name"] == "Hook"
    assert SECRET not in shown.out + shown.err
    assert cli.main(["notices", "remove", "Hook"]) == 0
    assert cli.main(["shutdowns", "enter", "api.example.com", "big-1", "--on", "2099-03-01"]) == 0
    assert cli.main(["shutdowns"]) == 0
    assert "big-1" in capsys.readouterr().out
