"""A real web process, and requests to it that no ordinary client would send."""

from __future__ import annotations

import http.client
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from itsdangerous import URLSafeTimedSerializer
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from tests.e2e.harness import Studio, start, stop
from tests.support.oidc_server import PERSON
from tests.support.servers import free_port

Headers = Sequence[tuple[str, str]]
WEBSOCKET: Headers = (
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
)
STREAM = "/_stcore/stream"
SECRET = "a-secret-of-this-test-alone-0123456789"
SECRETS = """
[auth]
redirect_uri = "{origin}/oauth2callback"
cookie_secret = "a-secret-of-this-test-alone-0123456789"
client_id = "studio"
client_secret = "not-a-secret"
server_metadata_url = "{provider}/.well-known/openid-configuration"
"""


@dataclass(frozen=True)
class Answer:
    status: int
    text: str
    headers: dict[str, str] = field(default_factory=dict)


@contextmanager
def web_process(folder: Path, *, port: int = 0, command: Sequence[str] = (), **env: str) -> Iterator[Studio]:
    """The web process alone, with its home and data below `folder`; `command` replaces how `sft up` starts it."""
    port = port or free_port()
    data_dir, home = folder / "data", folder / "home"
    data_dir.mkdir(parents=True, exist_ok=True)
    home.mkdir(exist_ok=True)
    own = {"SFT_DATA_DIR": str(data_dir), "SFT_WEB_PORT": str(port), "HOME": str(home), **env}
    inherited = {"PYTHONPATH": os.environ.get("PYTHONPATH", str(Path(__file__).parents[2]))}
    words = [word.format(port=port) for word in command] or [sys.executable, "-m", "pages.ui.server"]
    studio = start(words, f"http://127.0.0.1:{port}", data_dir, {**inherited, **own})
    try:
        yield studio
    finally:
        stop(studio)


def configure_sign_in(folder: Path, origin: str, provider: str = "http://127.0.0.1:9") -> Path:
    """Write the [auth] section that a web process of this folder reads; returns its file."""
    file = folder / "home" / ".streamlit" / "secrets.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(SECRETS.format(origin=origin, provider=provider))
    return file


def cookie(studio: Studio, *, secret: str = SECRET, salt: str = USER_COOKIE_NAME, **claims: object) -> Headers:
    """The cookie of a person who signed in, with these claims instead of the right ones."""
    content = json.dumps({"origin": studio.url, "is_logged_in": True, "provider": "default", **PERSON, **claims})
    return [("Cookie", f"{USER_COOKIE_NAME}={URLSafeTimedSerializer(secret, salt=salt).dumps(content)}")]


def ask(url: str, path: str = "/", headers: Headers = (), *, method: str = "GET", body: bytes = b"") -> Answer:
    """One request with exactly these headers; without a Host among them, the right one is added."""
    name = url.partition("://")[2]
    connection = http.client.HTTPConnection(name, timeout=30)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        if not any(key.lower() == "host" for key, _ in headers):
            connection.putheader("Host", name)
        for key, value in headers:
            connection.putheader(key, value)
        if body:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)
        answer = connection.getresponse()
        switched = answer.status == 101
        text = "" if switched else answer.read().decode("utf-8", "replace")
        return Answer(answer.status, text, {key.lower(): value for key, value in answer.getheaders()})
    finally:
        connection.close()
