"""A secret that is the same in every installation, that is guessable, or that is in the repository."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from core.platform import redis_server, sign_in
from core.settings import Settings
from pages.ui import downloads

ROOT = Path(__file__).parents[2]
LOOKS_SECRET = re.compile(r"(?i)(secret|password|passwd|token|api_?key)\s*[:=]\s*[\"'][^\"'\s]{6,}[\"']")


def test_no_setting_has_a_secret_as_its_default() -> None:
    for name, field in Settings.model_fields.items():
        assert not re.search(r"secret|password|token", name)
        assert urlsplit(str(field.default)).password is None, name


def test_the_repository_brings_no_secret() -> None:
    """No secrets file, no key in the configuration, and sign-in is off until someone configures it."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    assert not [
        name for name in tracked if Path(name).name in ("secrets.toml", ".env") or name.endswith((".pem", ".key"))
    ]
    for folder in (".streamlit", "core", "pages", "worker"):
        for file in (ROOT / folder).rglob("*"):
            if file.suffix in (".py", ".toml") and file.name != "secrets.toml":
                found = [line for line in file.read_text(encoding="utf-8").splitlines() if LOOKS_SECRET.search(line)]
                assert found == [], file
    assert "cookieSecret" not in (ROOT / ".streamlit" / "config.toml").read_text()


@pytest.mark.parametrize("secret", ["", "x", "secret", "changeme", "a" * (sign_in.LEAST_SECRET - 1)])
def test_a_guessable_cookie_secret_closes_the_studio(secret: str, studio_env: Path, tmp_path: Path) -> None:
    file = tmp_path / "secrets.toml"
    file.write_text(
        f'[auth]\nredirect_uri = "https://studio.example.org/oauth2callback"\ncookie_secret = "{secret}"\n'
        'client_id = "x"\nclient_secret = "y"\nserver_metadata_url = "https://id.example.org/.well-known"\n'
    )
    state = sign_in.examine([file])
    assert state.required
    assert state.problem


def test_redis_listens_on_no_port_and_lets_no_other_user_in(real_redis: None) -> None:
    """It has no password, so nothing but its own user may reach it."""
    socket = redis_server.socket_path()
    assert socket.stat().st_mode & 0o077 == 0
    assert socket.parent.stat().st_mode & 0o077 == 0
    servers = [process for process in psutil.process_iter(["name"]) if "redis-server" in (process.info["name"] or "")]
    ours = [process for process in servers if str(socket) in " ".join(process.cmdline())]
    assert ours
    for process in ours:
        assert [line for line in process.net_connections("inet") if line.status == psutil.CONN_LISTEN] == []


def test_the_address_of_a_download_cannot_be_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    """192 bits, new for every offer."""
    monkeypatch.setattr(downloads.st, "session_state", {})
    tokens = {downloads._offer(f"k{number}", lambda: iter((b"x",)), "a", "text/plain") for number in range(200)}
    assert len(tokens) == 200
    assert min(map(len, tokens)) >= 32
    assert len({token[:8] for token in tokens}) == 200
    for token in tokens:
        assert downloads.find(token[:-1]) is None
        assert downloads.find(token.lower()) in (None, downloads.find(token))
