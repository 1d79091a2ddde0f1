"""A worker for one queue: `python -m worker gpu|cpu|io`."""

from __future__ import annotations

import fcntl
import hashlib
import os
import sys
import time

from core.errors import StudioError
from core.platform import life, logs
from core.platform.private import keep_private
from core.platform.redis_server import is_up, runtime_dir, unavailable
from core.platform.short_processes import collect_rarely, do_without_pandas
from core.platform.tasks.kinds import QUEUES
from core.settings import get_settings

REDIS_WAIT_S = 30.0


def main(arguments: list[str]) -> int:
    """Work until SIGTERM; return the exit code."""
    if len(arguments) != 1 or arguments[0] not in QUEUES:
        sys.stderr.write(f"Name one queue: {', '.join(QUEUES)}.\n")
        return 2
    (queue,) = arguments
    collect_rarely()
    try:
        keep_private()
        logs.configure(f"worker-{queue}")
        device = _claim_device() if queue == "gpu" else None
        _wait_for_redis()
    except StudioError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    from worker.queues import PRELOADED, make_worker

    if queue in PRELOADED:
        do_without_pandas()
    make_worker(queue).work(logging_level="INFO")
    if device is not None:
        os.close(device)
    return 0


def _claim_device() -> int:
    """Allow one training worker per device of this machine: the lock is open until the process ends."""
    settings = get_settings()
    device = f"{settings.device}:{os.environ.get('CUDA_VISIBLE_DEVICES', '')}"
    path = runtime_dir() / f"device-{hashlib.sha256(device.encode()).hexdigest()[:8]}.lock"
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise StudioError(
            f"Another training worker uses this device (SFT_DEVICE={settings.device}).",
            "Only one can train at a time. For a second worker, choose another device with CUDA_VISIBLE_DEVICES.",
        ) from error
    return handle


def _wait_for_redis() -> None:
    """Under a supervisor wait as long as it takes: to end would only make it start this process again."""
    until = time.monotonic() + REDIS_WAIT_S
    while not is_up():
        life.sign()
        if time.monotonic() > until and not life.is_watched():
            raise unavailable()
        time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
