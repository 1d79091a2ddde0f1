"""A key or password that ends up in a log, an error, a repr, a process list, the database or an exported file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import StudioError
from core.platform.db.engine import get_engine
from core.services.platform import connections, doctor
from tests.support.llm_server import Reply, llm_server

SFT = [sys.executable, "-m", "core.cli"]
KEY = "sk-very-secret-0123456789abcdef"
PASSWORD = "pa55-of-the-database"


def everything_written(folder: Path) -> bytes:
    """The content of every file, except the one that is for keys."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.parent.name != "keys")


@pytest.mark.parametrize("status", [200, 301, 400, 401, 429, 500])
def test_an_endpoint_that_repeats_the_key_does_not_spread_it(
    status: int, studio_env: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")  # what the processes of the studio log
    echo = f'{{"error": {{"message": "your key {KEY} is odd", "code": "{KEY}"}}}}'.encode()
    away = {"Location": f"http://evil.example/?key={KEY}"}
    with llm_server(lambda request: Reply(status=status, raw=echo, headers=away)) as server:
        saved = connections.save(name="mine", kind="openai", base_url=server.url, key=KEY)
        tested = connections.test(saved.id)
        with pytest.raises(StudioError) as caught:
            connections.models(saved.id)
    endpoint = connections.endpoint_of(saved.id)
    shown = [repr(saved), repr(tested), str(caught.value), repr(caught.value), repr(endpoint), str(vars(caught.value))]
    shown += [repr(connections.list_connections()), caplog.text]
    assert [text for text in shown if KEY in text] == []
    get_engine().dispose()
    assert KEY.encode() not in everything_written(studio_env)


@pytest.mark.parametrize("verb", ["datasets", "jobs", "models", "connections", "doctor"])
def test_a_password_in_a_url_is_never_printed_or_logged(verb: str, studio_env: Path) -> None:
    """The servers do not answer, so that every error about them is seen."""
    environment = os.environ | {
        "DATABASE_URL": f"postgresql://someone:{PASSWORD}@127.0.0.1:1/none",
        "REDIS_URL": f"redis://:{PASSWORD}@127.0.0.1:1/0",
        "OPENAI_API_KEY": KEY,
        "HF_TOKEN": KEY,
    }
    done = subprocess.run([*SFT, verb], capture_output=True, text=True, check=False, env=environment)
    assert done.stdout + done.stderr
    for secret in (PASSWORD, KEY):
        assert secret not in done.stdout + done.stderr
        assert secret.encode() not in everything_written(studio_env)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", f"mysql://someone:{PASSWORD}@host/x"),
        ("REDIS_URL", f"http://someone:{PASSWORD}@host"),
        ("DATABASE_URL", f"postgresql://someone:{PASSWORD}@host:port/x"),
    ],
)
def test_a_wrong_url_is_refused_without_its_password(name: str, value: str, studio_env: Path) -> None:
    done = subprocess.run(
        [*SFT, "datasets"], capture_output=True, text=True, check=False, env=os.environ | {name: value}
    )
    assert done.returncode == 1
    assert name in done.stderr
    assert PASSWORD not in done.stderr
    assert PASSWORD.encode() not in everything_written(studio_env)


def test_no_key_is_on_a_command_line(studio_env: Path) -> None:
    """Command lines can be read by every user of the machine."""
    from core.platform.supervisor import commands

    connections.save(name="mine", kind="openai", key=KEY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", KEY)
        lines = [word for command in commands(("web", "redis", "worker", "inference")) for word in command.argv()]
        assert KEY not in str(doctor.examine())
    assert not [word for word in lines if KEY in word]
