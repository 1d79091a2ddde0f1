"""Connections: the key stays out of the database and goes to the address it was given for; prices have a day."""

from __future__ import annotations

import logging
import stat
from pathlib import Path

import pytest

from core.errors import Conflict, NotFound, ProviderKeyMissing, SettingsError
from core.services.platform import connections
from tests.support.llm_server import Reply, llm_server

KEY = "sk-secret-0123456789abcdef"
HERE, THERE = "http://127.0.0.1:9/v1", "http://127.0.0.1:10/v1"


def make(**values):
    return connections.save(**{"name": "mine", "kind": "openai", "base_url": HERE, "key": KEY, **values})


def files(folder: Path) -> list[Path]:
    return sorted((folder / "keys").iterdir()) if (folder / "keys").exists() else []


def test_the_built_in_connection_always_exists(studio_env: Path) -> None:
    (own,) = connections.list_connections()
    assert (own.id, own.builtin, own.key_hint) == ("studio", True, "")
    assert own.price("anything").is_free
    with pytest.raises(Conflict):
        connections.save(id="studio", name="x", kind="studio")
    with pytest.raises(Conflict):
        connections.delete("studio")
    assert {kind.id for kind in connections.kinds()} == {"studio", "ollama", "openai"}


def test_a_key_is_stored_in_a_file_that_only_this_user_can_read(
    studio_env: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    record = make()
    (file,) = files(studio_env)
    assert file.read_text() == KEY
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert record.key_hint == "…cdef"
    assert KEY not in repr(record)
    assert KEY not in caplog.text
    for path in studio_env.glob("studio.db*"):
        assert KEY.encode() not in path.read_bytes()
    assert connections.endpoint_of(record.id).key == KEY
    assert [item.id for item in connections.list_connections()] == ["studio", record.id]


def test_a_new_address_needs_the_key_again(studio_env: Path) -> None:
    record = make()
    with pytest.raises(SettingsError, match="address changed"):
        make(id=record.id, base_url=THERE, key=None)
    with pytest.raises(SettingsError, match="address changed"):
        make(id=record.id, kind="ollama", key=None)
    assert connections.get(record.id).base_url == HERE
    told = connections.test_values(id=record.id, kind="openai", base_url=THERE)
    assert not told.ok
    assert "address changed" in told.message
    assert make(id=record.id, name="renamed", key=None).key_hint == "…cdef"
    make(id=record.id, base_url=THERE, key="another-key-0123456789")
    assert connections.endpoint_of(record.id).key == "another-key-0123456789"
    assert len(files(studio_env)) == 1  # the old one is gone
    assert make(id=record.id, base_url=HERE, key="").has_key is False
    assert files(studio_env) == []


def test_a_key_from_the_environment(studio_env: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFT_KEY_HOSTS", "MY_API_KEY=127.0.0.1:9")
    record = make(key=None, key_env="MY_API_KEY")
    assert (record.key_env, record.key_hint) == ("MY_API_KEY", "from MY_API_KEY")
    with pytest.raises(ProviderKeyMissing, match="MY_API_KEY"):
        connections.endpoint_of(record.id)
    assert not connections.test(record.id).ok
    monkeypatch.setenv("MY_API_KEY", KEY)
    assert connections.endpoint_of(record.id).key == KEY
    assert make(id=record.id, key=None, name="renamed").key_env == "MY_API_KEY"
    with pytest.raises(SettingsError, match="address changed"):
        make(id=record.id, key=None, base_url=THERE)


@pytest.mark.parametrize("name", ["DATABASE_URL", "AWS_SECRET_ACCESS_KEY", "PATH", "SFT_DATA_DIR", "x_API_KEY", "A B"])
def test_only_variables_for_keys_may_be_named(studio_env: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="variable"):
        make(key=None, key_env=name)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host/v1",
        "file:///etc/passwd",
        "host/v1",
        "http://",
        "https://user:pass@host/v1",
        "https://host/v1?key=1",
        "https://host/#x",
        "http://ho st/",
        "http://host:99999/",
        "http://169.254.169.254/latest",
        "http://[::ffff:169.254.169.254]/",
        "http://0.0.0.0/v1",
        "https://host/" + "x" * 600,
    ],
)
def test_invalid_addresses_are_refused(studio_env: Path, url: str) -> None:
    with pytest.raises(SettingsError, match="address"):
        make(base_url=url)
    assert files(studio_env) == []


@pytest.mark.parametrize("key", [" sk-1", "sk\n1", "ключ", "x" * 5_000])
def test_an_invalid_key_is_never_shown(studio_env: Path, key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        make(key=key)
    assert key not in str(caught.value)


def test_names_kinds_and_settings_are_checked(studio_env: Path) -> None:
    make()
    with pytest.raises(Conflict, match="mine"):
        make()
    assert len(files(studio_env)) == 1  # the key of the refused one is not left behind
    for values in ({"name": " "}, {"name": "x" * 90}, {"kind": "nope"}, {"settings": {"timeout_s": 0}}):
        with pytest.raises(SettingsError):
            make(**{"name": "other", **values})
    with pytest.raises(SettingsError, match="input price"):
        make(name="other", prices={"m": {"input": "free", "output": 1}})
    with pytest.raises(NotFound):
        connections.get("llm_none")


def test_prices_are_dated_and_unknown_until_they_are_entered(studio_env: Path) -> None:
    record = make(prices={"big": {"input": 2.5, "output": 10}})
    assert record.price("big").input_usd == 2.5
    assert record.price("big").as_of
    assert record.price("other") is None
    assert make(name="local", kind="ollama", key=None).price("llama").is_free
    assert make(id=record.id, key=None).price("big").output_usd == 10  # kept


def test_a_test_lists_the_models_and_says_how_long_it_took(studio_env: Path) -> None:
    with llm_server() as server:
        record = make(base_url=server.url)
        told = connections.test(record.id)
        assert (told.ok, told.models) == (True, ("tiny-1", "tiny-2"))
        assert told.latency_ms > 0
        assert connections.models(record.id) == ("tiny-1", "tiny-2")
        assert connections.test_values(kind="openai", base_url=server.url, key=KEY).ok
        assert connections.test_values(kind="ollama", base_url=server.ollama_url).ok
        assert connections.test_values(id=record.id, kind="openai", base_url=server.url).ok
        assert server.requests[-1].headers["authorization"] == f"Bearer {KEY}"


def test_a_test_that_fails_says_what_to_do(studio_env: Path) -> None:
    for reply, word in (
        (Reply(status=401, raw=f'{{"error": {{"message": "bad {KEY}"}}}}'.encode()), "key"),
        (Reply(raw=b"<html>portal</html>", content_type="text/html"), "web page"),
        (Reply(status=302, raw=b"", headers={"Location": "http://elsewhere.example/"}), "elsewhere"),
    ):
        with llm_server(lambda request, reply=reply: reply) as server:
            told = connections.test_values(kind="openai", base_url=server.url, key=KEY)
        assert not told.ok
        assert word in told.message
        assert KEY not in told.message
        assert told.remedy
        assert told.field == ("key" if word == "key" else "base_url")  # where the form says it
    nobody = connections.test_values(kind="openai", base_url=HERE, key=KEY)
    assert "127.0.0.1:9" in nobody.message
    assert nobody.field == "base_url"
    assert connections.test_values(kind="openai", base_url="nonsense").remedy


def test_deleting_a_connection_deletes_its_key(studio_env: Path) -> None:
    record = make()
    connections.delete(record.id)
    assert files(studio_env) == []
    with pytest.raises(NotFound):
        connections.get(record.id)
    connections.delete(record.id)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "taken"}, "name"),
        ({"base_url": "ftp://host"}, "base_url"),
        ({"key": "two\nlines"}, "key"),
        ({"key_env": "DATABASE_URL"}, "key"),
        ({"prices": {"*": {"input": -1, "output": 0}}}, "prices"),
        ({"settings": {"timeout_s": 0}}, "timeout_s"),
        ({"settings": {"concurrency": 99}}, "concurrency"),
    ],
)
def test_an_error_names_its_field(studio_env: Path, change: dict[str, object], field: str) -> None:
    make(name="taken")
    with pytest.raises((SettingsError, Conflict)) as caught:
        make(**{"key": None, **change})
    assert caught.value.field == field
