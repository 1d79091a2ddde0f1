"""A key of the server or of a connection that is sent to an address which it was not meant for.

Whoever may enter an address must not get the keys in the server's environment by naming their variables, nor a stored
key by changing the address, nor any key by a redirect.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import SettingsError, StudioError
from core.models.llm import CLIENTS
from core.services.platform import connections, key_hosts
from core.services.training import downloads
from core.settings import get_settings
from core.training.providers import PROVIDERS
from tests.support.hub_server import hub
from tests.support.llm_server import Reply, llm_server
from tests.support.random_model import make_model
from worker.run import execute

KEY = "sk-secret-0123456789abcdef"
OTHER = ["https://evil.example/v1", "http://127.0.0.1:9/v1", "https://api.openai.com.evil.example/v1",
         "https://evil-api.openai.com/v1", "http://api.openai.com/v1", "https://api.openai.com:8443/v1",
         "https://api.openai.com@evil.example/v1", "https://openai.com/v1",
         "http://api.openai.com:443/v1\u2028"]  # fmt: skip


@pytest.fixture(autouse=True)
def server_keys(studio_env: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "HF_TOKEN", "TEAM_API_KEY", "AWS_SECRET_ACCESS_KEY", "SFT_LLM_KEY"):
        monkeypatch.setenv(name, KEY)


@pytest.mark.parametrize("url", OTHER)
def test_a_known_variable_goes_to_its_own_hosts_alone(url: str) -> None:
    with pytest.raises(SettingsError):
        connections.save(name="mine", kind="openai", base_url=url, key_env="OPENAI_API_KEY")
    assert not connections.test_values(kind="openai", base_url=url, key_env="OPENAI_API_KEY").ok
    saved = connections.save(name="fine", kind="openai", key_env="OPENAI_API_KEY")
    assert connections.endpoint_of(saved.id).key == KEY


@pytest.mark.parametrize(
    "name", ["TEAM_API_KEY", "AWS_SECRET_ACCESS_KEY", "SFT_LLM_KEY", "HF_TOKEN", "DATABASE_URL", ""]
)
def test_no_request_carries_a_key_that_nobody_assigned_to_the_host(name: str) -> None:
    """The refusal names the variable, the host and the remedy, and nothing is sent."""
    with llm_server() as server:
        tested = connections.test_values(kind="openai", base_url=server.url, key_env=name)
        sent = [request.headers.get("authorization") for request in server.requests]
    assert [header for header in sent if header] == []
    if not name:
        return
    assert server.requests == []
    assert not tested.ok
    assert name in tested.message
    assert f"SFT_KEY_HOSTS={name}=127.0.0.1:{server.port}" in tested.remedy
    with pytest.raises(SettingsError, match=name):
        connections.save(name="mine", kind="openai", base_url=server.url, key_env=name)


def test_the_operator_assigns_a_variable_to_a_host(monkeypatch: pytest.MonkeyPatch) -> None:
    with llm_server() as server:
        monkeypatch.setenv("SFT_KEY_HOSTS", f"TEAM_API_KEY=127.0.0.1:{server.port}, TEAM_API_KEY=*.team.example")
        saved = connections.save(name="mine", kind="openai", base_url=server.url, key_env="TEAM_API_KEY")
        assert connections.test(saved.id).ok
        assert server.requests[-1].headers["authorization"] == f"Bearer {KEY}"
        # What the operator takes back holds for connections that exist already.
        monkeypatch.delenv("SFT_KEY_HOSTS")
        seen = len(server.requests)
        assert "SFT_KEY_HOSTS" in connections.test(saved.id).remedy
        with pytest.raises(SettingsError):
            connections.open_client(saved.id)
        assert len(server.requests) == seen
    monkeypatch.setenv("SFT_KEY_HOSTS", "TEAM_API_KEY=*.team.example")
    assert key_hosts.is_for("TEAM_API_KEY", "https://llm.team.example/v1")
    for url in ("https://team.example/v1", "https://notteam.example/v1", "http://llm.team.example/v1"):
        assert not key_hosts.is_for("TEAM_API_KEY", url)


@pytest.mark.parametrize(
    "value", ["TEAM_API_KEY", "=host", "A=", "A=https://host", "A=host/path", "A=host:port", "A=*"]
)
def test_a_wrong_assignment_is_refused_with_its_setting(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFT_KEY_HOSTS", value)
    with pytest.raises(SettingsError, match="SFT_KEY_HOSTS"):
        get_settings()


def test_every_pair_of_the_registries_names_hosts_of_the_internet() -> None:
    """A pair that a new entry brings must be as narrow as these: names with a dot, no port, no scheme."""
    for entry in (*CLIENTS, *PROVIDERS):
        for variable, hosts in entry.key_hosts.items():
            assert variable.isidentifier()
            assert hosts
            for host in hosts:
                assert "." in host.removeprefix("*.")
                assert not set(host) & set("/:@? ")
                assert key_hosts.is_for(variable, f"https://{host.replace('*', 'x')}/v1")


def test_a_stored_key_does_not_follow_a_changed_address() -> None:
    with llm_server() as server:
        saved = connections.save(name="mine", kind="openai", base_url="https://api.openai.com/v1", key=KEY)
        for change in ({"base_url": server.url}, {"kind": "ollama", "base_url": server.ollama_url}):
            values = {"name": "mine", "kind": "openai", **change}
            with pytest.raises(SettingsError, match="address changed"):
                connections.save(id=saved.id, **values)
            assert not connections.test_values(id=saved.id, kind=values["kind"], base_url=values["base_url"]).ok
        assert server.requests == []


@pytest.mark.parametrize("kind", ["openai", "ollama"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_carries_no_key(kind: str, status: int) -> None:
    with llm_server() as thief:
        away = {"Location": f"{thief.url}/chat/completions"}
        with llm_server(lambda request: Reply(status=status, raw=b"", headers=away)) as server:
            url = server.url if kind == "openai" else server.ollama_url
            tested = connections.test_values(kind=kind, base_url=url, key=KEY)
        assert not tested.ok
        assert thief.requests == []


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    return {path.name: path for path in make_model(tmp_path / "tiny").iterdir()}


def download(address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("HF_ENDPOINT", address)
    ended = execute(downloads.start("someone/tiny").id, "test:1")
    assert ended is not None
    return ended.state if ended.state == "succeeded" else ended.error["remedy"]


def test_a_mirror_of_the_hub_gets_no_token(mirror: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str | None] = []
    with hub(mirror, seen=seen) as address:
        assert download(address, monkeypatch) == "succeeded"
        assert seen
        assert set(seen) == {None}
        monkeypatch.setenv("SFT_KEY_HOSTS", f"HF_TOKEN={address.removeprefix('http://')}")
        monkeypatch.setenv("HF_HUB_CACHE", str(mirror["config.json"].parent.parent / "second"))
        assert download(address, monkeypatch) == "succeeded"
        assert f"Bearer {KEY}" in seen
    with hub(mirror, refuse=(401, "GatedRepo")) as address:
        assert "SFT_KEY_HOSTS=HF_TOKEN=" in download(address, monkeypatch)


def test_weights_that_lie_on_another_host_are_fetched_without_the_token(
    mirror: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs: list[str | None] = []
    ours: list[str | None] = []
    with (
        hub(mirror, seen=theirs) as elsewhere,
        hub(mirror, seen=ours, weights_at=elsewhere.replace("127.0.0.1", "localhost")) as address,
    ):
        monkeypatch.setenv("SFT_KEY_HOSTS", f"HF_TOKEN={address.removeprefix('http://')}")
        assert download(address, monkeypatch) == "succeeded"
    assert f"Bearer {KEY}" in ours
    assert theirs
    assert set(theirs) == {None}


def test_a_variable_that_is_not_set_is_named_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    saved = connections.save(name="mine", kind="openai", key_env="OPENAI_API_KEY")
    with pytest.raises(StudioError, match="OPENAI_API_KEY is not set"):
        connections.open_client(saved.id)
