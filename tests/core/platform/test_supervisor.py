"""What `sft up` refuses before it starts anything, and what it would start."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from core.errors import SettingsError
from core.platform import sign_in, supervisor
from core.platform.processes import Command, Service
from core.settings import get_settings


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.5", "localhost", "::1"])
def test_loopback_needs_no_sign_in(host: str) -> None:
    assert supervisor.is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "", "example.org"])
def test_other_addresses_are_refused_without_sign_in(host: str, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(sign_in, "ROOT", tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SFT_HOST", host)
    with pytest.raises(SettingsError, match=r"sign-in is not configured") as refused:
        supervisor.check_binding(get_settings())
    assert "[auth]" in refused.value.remedy


def test_other_addresses_are_allowed_with_sign_in(monkeypatch, tmp_path, studio_env) -> None:
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "secrets.toml").write_text('[auth]\nclient_id = "x"\n')
    monkeypatch.setattr(sign_in, "ROOT", tmp_path)
    monkeypatch.setenv("SFT_HOST", "0.0.0.0")
    supervisor.check_binding(get_settings())


def test_a_taken_port_names_the_variable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=str(port)) as refused:
            supervisor.check_port("127.0.0.1", port, "SFT_WEB_PORT")
    assert "SFT_WEB_PORT" in refused.value.remedy


def test_the_web_app_starts_first(studio_env) -> None:
    names = [command.name for command in supervisor.commands(["api", "inference", "worker", "redis", "web"])]
    assert names[:2] == ["web", "redis"]
    assert {"worker-gpu", "worker-cpu", "worker-io", "reconciler", "inference", "api"} <= set(names)


def test_no_embedded_redis_with_redis_url(studio_env, monkeypatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:6399")
    assert supervisor.commands(["redis"]) == []


def test_a_port_that_accepts_but_does_not_answer_is_not_ready() -> None:
    """The web app's socket is open a quarter of a second before its first answer; workers must not start in between."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        assert not supervisor._answers(f"http://127.0.0.1:{listening.getsockname()[1]}/")


def test_two_services_cannot_have_one_port(studio_env, monkeypatch) -> None:
    monkeypatch.setenv("SFT_WEB_PORT", "12001")
    monkeypatch.setenv("SFT_INFERENCE_PORT", "12001")
    with pytest.raises(SettingsError, match="SFT_WEB_PORT and SFT_INFERENCE_PORT are both 12001"):
        supervisor.up(print)


@pytest.fixture
def started(monkeypatch) -> list[str]:
    """The services that are started from here on, which are only recorded."""
    names: list[str] = []

    class Recorded(supervisor.Supervisor):
        def tick(self) -> None:
            now = time.monotonic()
            names.extend(service.command.name for service in self.services if service._start_at <= now)

    monkeypatch.setattr(supervisor, "Supervisor", Recorded)
    monkeypatch.setattr(supervisor, "_wait_ready", lambda needs, errors: None)
    monkeypatch.setattr(supervisor, "TICK_S", 0.01)
    return names


def test_a_short_command_beside_a_studio_is_ready_to_replace_its_worker(studio_env, monkeypatch, started) -> None:
    """The other workers, and a reconciler that has nothing to recover, would take two thirds of its time."""
    studio = Service(Command("worker-cpu", list), print)
    assert studio.claim()
    for later, expected in ((60.0, {"redis", "worker-cpu"}), (0.0, {"redis", "worker-cpu", "reconciler"})):
        monkeypatch.setattr(supervisor, "RECONCILER_LATER_S", later)
        started.clear()
        with supervisor.ensure({"worker-cpu"}):
            assert supervisor.keeps("worker-cpu")
            assert not supervisor.has_own_worker("cpu")
            time.sleep(0.1)
        assert set(started) == expected
        assert not supervisor.keeps("worker-cpu")
    studio.release()


def test_a_short_command_alone_works_by_itself(studio_env, started, monkeypatch) -> None:
    monkeypatch.setattr(threading, "active_count", lambda: 1)  # this process may have more, as a part of the suite
    with supervisor.ensure({"worker-cpu"}):
        assert supervisor.has_own_worker("cpu")
        assert not Service(Command("worker-cpu", list), print).claim()
        time.sleep(0.05)
    assert started == []
    assert not supervisor.has_own_worker("cpu")


def test_a_command_with_other_threads_forks_no_worker(studio_env, started) -> None:
    """A fork could wait for ever for a lock that one of them holds."""
    ends = threading.Event()
    other = threading.Thread(target=ends.wait)
    other.start()
    try:
        with supervisor.ensure({"worker-cpu"}):
            assert not supervisor.has_own_worker("cpu")
            time.sleep(0.05)
    finally:
        ends.set()
        other.join()
    assert "worker-cpu" in started
