"""The calendar of shutdowns: dates from three places, what uses a model, and a notice once per threshold."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from core.errors import NotFound, SettingsError
from core.models.llm.shutdowns import ANNOUNCED, is_of, valid_date
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import store
from core.services.platform import connections, notices
from core.services.serving import agents, shutdowns
from core.services.serving.shutdowns import dates, watching
from tests.support.hosted.fireworks import FireworksService
from tests.support.hosted.server import KEY
from worker import run

TODAY = date(2026, 11, 30)


@pytest.fixture(autouse=True)
def on_this_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dates, "today", lambda: TODAY)


@pytest.fixture
def provider() -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """A real server with a list of models; the list may change."""
    listed: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"object": "list", "data": listed}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port, listed
    server.shutdown()
    server.server_close()


def connect(url: str, name: str = "Provider") -> str:
    return connections.save(name=name, kind="openai", base_url=url).id


def agent_with(connection_id: str, model: str, name: str = "Help desk") -> None:
    agents.create(name=name, model=f"via:{connection_id}:{model}")


def told() -> list[str]:
    with UnitOfWork() as uow:
        watching.tell(uow)
        uow.commit()
    return [notice.title for notice in reversed(notices.newest(kind="model_shutdown"))]


def of(model: str) -> shutdowns.ShutdownRecord:
    return next(record for record in shutdowns.calendar() if record.model == model)


@pytest.mark.parametrize(
    ("name", "model", "same"),
    [
        ("gpt-4o", "gpt-4o", True),
        ("gpt-4o-2024-08-06", "gpt-4o", True),
        ("ft:gpt-4o-2024-08-06:acme::id", "gpt-4o", True),
        ("gpt-4o-mini", "gpt-4o", False),
        ("ft:gpt-4o-mini-2024-07-18:acme::id", "gpt-4o", False),
        ("gpt-4", "gpt-4o", False),
    ],
)
def test_a_date_is_for_the_model_its_releases_and_what_was_tuned_from_them(name: str, model: str, same: bool) -> None:
    assert is_of(name, model) is same


def test_the_announced_dates_are_there_from_the_start(studio_env: object) -> None:
    assert (of("gpt-4o-mini").shutdown_on, of("gpt-4o-mini").days_left, of("gpt-4o-mini").jobs_end_on) == (
        "2027-01-14",
        45,
        "2027-01-06",
    )
    assert of("gpt-4.1-nano").is_off
    off = [record.is_off for record in shutdowns.calendar()]
    assert off == sorted(off)


def test_each_announced_date_names_the_page_that_says_so_and_its_day() -> None:
    for known in ANNOUNCED:
        assert known.source.startswith("https://"), known
        assert valid_date(known.seen_on), known
        assert known.seen_on <= "2026-11-30", known
        assert valid_date(known.shutdown_on), known
    assert len({(known.host, known.model) for known in ANNOUNCED}) == len(ANNOUNCED)


def test_a_release_with_a_date_of_its_own_is_not_listed_under_its_family(studio_env: object) -> None:
    provider = connect("https://api.openai.com/v1")
    agent_with(provider, "gpt-4o-2024-05-13")
    assert [use.title for use in of("gpt-4o-2024-05-13").used_by] == ["Help desk"]
    assert of("gpt-4o").used_by == ()
    names = [f"via:{provider}:{name}" for name in ("gpt-4o-2024-05-13", "ft:gpt-4o-2024-08-06:acme::1", "gpt-9")]
    dated = shutdowns.of_models(names)
    assert [dated[name].shutdown_on for name in names[:2]] == ["2026-10-23", "2027-01-14"]
    assert names[2] not in dated


def test_the_dates_of_a_list_that_was_just_read_count_before_they_are_stored(studio_env: object) -> None:
    url, listed = "https://api.fireworks.ai/inference/v1", {"accounts/fireworks/models/a": "2027-02-01", "b": "soon"}
    found = shutdowns.at(url, [*listed, "c"], listed)
    assert [(name, record.shutdown_on, record.origin) for name, record in found.items()] == [
        ("accounts/fireworks/models/a", "2027-02-01", "live")
    ]
    shutdowns.save(host="api.fireworks.ai", model="accounts/fireworks/models/a", shutdown_on="2027-05-01")
    assert shutdowns.at(url, listed, listed)["accounts/fireworks/models/a"].origin == "entered"


def test_what_people_enter_goes_before_a_live_list_and_that_before_an_announcement(studio_env: object) -> None:
    dates.note_live("api.openai.com", {"gpt-4o": "2027-02-01", "odd": "soon"}, "https://api.openai.com/v1")
    assert (of("gpt-4o").origin, of("gpt-4o").shutdown_on, of("gpt-4o").jobs_end_on) == (
        "live",
        "2027-02-01",
        "2027-01-06",
    )
    shutdowns.save(host="API.openai.com", model="gpt-4o", shutdown_on="2027-03-01")
    dates.note_live("api.openai.com", {"gpt-4o": "2027-02-02"}, "https://api.openai.com/v1")
    assert (of("gpt-4o").origin, of("gpt-4o").shutdown_on) == ("entered", "2027-03-01")
    shutdowns.remove("api.openai.com", "gpt-4o")
    assert "gpt-4o" not in {record.model for record in shutdowns.calendar()}
    with pytest.raises(NotFound):
        shutdowns.remove("api.openai.com", "gpt-4o")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"shutdown_on": "14 January"}, "shutdown_on"),
        ({"jobs_end_on": "2027-1-6"}, "jobs_end_on"),
        ({"model": ""}, "model"),
    ],
)
def test_a_wrong_value_is_named(studio_env: object, change: dict[str, str], field: str) -> None:
    with pytest.raises(SettingsError) as refused:
        shutdowns.save(**{"host": "h", "model": "m", "shutdown_on": "2027-01-14", **change})
    assert refused.value.field == field


def test_a_model_in_use_is_told_once_per_threshold(studio_env: object, monkeypatch: pytest.MonkeyPatch) -> None:
    agent_with(connect("https://api.openai.com/v1"), "gpt-4o-mini-2024-07-18")
    (use,) = of("gpt-4o-mini").used_by
    assert (use.kind, use.title) == ("agent", "Help desk")
    assert of("gpt-4o").used_by == ()
    assert told() == told() == ["gpt-4o-mini goes dark in 45 days"]
    days = [29, 28, 7, 1, 0, -1]
    for left in days:
        monkeypatch.setattr(dates, "today", lambda left=left: date(2027, 1, 14) - timedelta(days=left))
        told()
    assert told() == [
        "gpt-4o-mini goes dark in 45 days",
        "gpt-4o-mini goes dark in 29 days",
        "gpt-4o-mini goes dark in 7 days",
    ]


def test_the_dates_of_a_live_list_arrive_with_a_notice(
    studio_env: object, provider: tuple[int, list[dict[str, Any]]]
) -> None:
    port, listed = provider
    listed += [{"id": "big-1", "shutdown_date": "2026-12-20"}, {"id": "big-2", "shutdown_date": None}, {"id": "big-3"}]
    agent_with(connect(f"http://127.0.0.1:{port}/v1"), "big-1")
    connect("http://127.0.0.1:9/v1", "A dead one")
    shutdowns.look_now()
    (task,) = store.find(kind="shutdowns")
    assert run.execute(task.id, "w").state == "succeeded"
    record = of("big-1")
    assert (record.host, record.origin, record.shutdown_on) == ("127.0.0.1", "live", "2026-12-20")
    assert [notice.title for notice in notices.newest()] == ["big-1 goes dark in 20 days"]
    assert not {"big-2", "big-3"} & {each.model for each in shutdowns.calendar()}


def test_it_looks_once_a_day_and_only_with_a_connection(studio_env: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_looked_on", [])
    watching.dispatch()
    assert store.find(kind="shutdowns") == []
    connect("http://127.0.0.1:9/v1")
    for _ in range(3):  # another process looks too
        monkeypatch.setattr(watching, "_looked_on", [])
        watching.dispatch()
    assert len(store.find(kind="shutdowns")) == 1


def test_the_dates_of_a_service_that_trains_are_read_from_its_list_of_bases(studio_env: object) -> None:
    qwen, recorded = "accounts/fireworks/models/qwen3-8b", FireworksService()
    try:
        url = f"{recorded.origin}/inference/v1"
        saved = connections.save(name="Fireworks", kind="openai", base_url=url, key=KEY, training="fireworks")
        agent_with(saved.id, qwen)
        shutdowns.look_now()
        (task,) = store.find(kind="shutdowns")
        assert run.execute(task.id, "w").state == "succeeded"
    finally:
        recorded.close()
    assert (of(qwen).shutdown_on, of(qwen).origin, of(qwen).source) == ("2027-05-01", "live", url)
    assert [use.title for use in of(qwen).used_by] == ["Help desk"]
