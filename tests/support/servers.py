"""Real servers for tests: PostgreSQL in a temporary cluster, Redis as the studio itself starts it."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.platform import redis_server

PATIENCE = 3


def missing(what: str, remedy: str) -> None:
    """Skip, loudly; in CI fail, because there a missing server would hide what is not tested."""
    text = f"{what} is missing: {remedy}"
    if os.environ.get("CI") == "true":
        pytest.fail(text)
    pytest.skip(f"SKIPPED, NOT TESTED. {text}")


def postgres_binaries() -> Path | None:
    """The folder of `initdb`: from PATH, else Debian's newest."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    return folders[-1] if folders else None


_given: set[int] = set()


def free_port() -> int:
    """A port that nothing listens on at this moment, below the ones that the kernel gives to clients.

    Each test process draws from a stretch of its own, so that two of them do not take the same port a moment apart; and
    none is given twice.
    """
    worker = int("0" + os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")) % 8
    stretch = range(12_000 + 2_000 * worker, 14_000 + 2_000 * worker)
    for port in random.SystemRandom().sample(stretch, 500):
        with socket.socket() as probe:
            if port not in _given and probe.connect_ex(("127.0.0.1", port)) != 0:
                _given.add(port)
                return port
    raise RuntimeError("no free port was found")


class Cluster:
    """A PostgreSQL server that can be stopped and started; `url` has `{name}` in the place of the database's name."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self.url = f"postgresql://postgres@/{{name}}?host={folder}"
        self._binaries, self._folder, self._data = binaries, folder, folder / "data"
        self._as_user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []  # it refuses to run as root
        if self._as_user:
            shutil.chown(folder, "postgres", "postgres")
        subprocess.run(
            self._command("initdb", "-A", "trust", "-U", "postgres", "-N"),
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
        )

    def _command(self, program: str, *options: str) -> list[str]:
        return [*self._as_user, str(self._binaries / program), "-D", str(self._data), *options]

    def start(self) -> None:
        """Start the server and wait until it answers."""
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": self._folder}
        options = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={self._folder}", "-c", "fsync=off"]
        self._server = subprocess.Popen(self._command("postgres", *options), **quiet)
        wait_until(self._answers, 90, "PostgreSQL")

    def _answers(self) -> bool:
        import psycopg

        try:
            psycopg.connect(self.url.format(name="postgres")).close()
        except psycopg.OperationalError:  # also while it is starting up
            return False
        return True

    def stop(self) -> None:
        """Stop it as a crash does: every connection ends at once."""
        stop = self._command("pg_ctl", "-m", "immediate", "stop")
        subprocess.run(stop, check=False, stdout=subprocess.DEVNULL, cwd=self._folder)
        self._server.wait(60)


@contextmanager
def postgres_cluster() -> Iterator[Cluster]:
    """A PostgreSQL cluster of its own, running."""
    binaries = postgres_binaries()
    if binaries is None:
        missing("PostgreSQL", "apt install postgresql")
        return
    # Not under pytest's temporary folder: another user must be able to enter, and a socket's path must be short.
    folder = Path(tempfile.mkdtemp(prefix="sft-pg-", dir="/tmp"))
    cluster = Cluster(binaries, folder)
    cluster.start()
    try:
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def redis_of_studio() -> Iterator[subprocess.Popen[bytes]]:
    """The embedded Redis of the present data directory."""
    server = start_redis()
    try:
        yield server
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(redis_server.runtime_dir(), ignore_errors=True)


def start_redis() -> subprocess.Popen[bytes]:
    """Start the embedded Redis and wait until it answers."""
    server = subprocess.Popen(redis_server.server_command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(redis_server.is_up, 90, "Redis")
    return server


def wait_until(is_so, limit_s: float, what: str) -> None:
    """Wait for a condition; fails the test with its name when it does not come.

    The limit is for a machine that is as quick as usual; one machine took 2.4 times as long for the same work.
    """
    waited_s = limit_s * PATIENCE
    until = time.monotonic() + waited_s
    while not is_so():
        if time.monotonic() > until:
            pytest.fail(f"Waited {waited_s:.0f} s in vain for: {what}")
        time.sleep(0.05)
