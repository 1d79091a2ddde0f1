"""Signs of life through a pipe."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from core.platform import life
from core.platform.processes import Command, Service, stop_all
from tests.support.servers import wait_until

LIVES_THEN_HANGS = """
import time
from core.platform import life
for _ in range(10):
    life.sign()
    time.sleep(0.1)
time.sleep(600)
"""


def test_nothing_is_written_without_a_supervisor(monkeypatch) -> None:
    monkeypatch.delenv("SFT_LIFE_PIPE", raising=False)
    assert not life.is_watched()
    life.sign()


def test_a_sign_ends_the_silence_and_a_full_pipe_blocks_nobody(monkeypatch) -> None:
    listener = life.Listener()
    monkeypatch.setenv("SFT_LIFE_PIPE", listener.environment["SFT_LIFE_PIPE"])
    time.sleep(0.2)
    assert listener.silent_s() >= 0.2
    for _ in range(100_000):
        life.sign()
    assert listener.silent_s() < 0.1
    listener.started()
    life.sign()
    listener.close()


def test_a_process_that_ends_is_silent() -> None:
    listener = life.Listener()
    command = [sys.executable, "-c", "from core.platform import life; life.sign()"]
    subprocess.run(command, check=True, env=os.environ | listener.environment, pass_fds=[listener.writing])
    listener.started()
    time.sleep(0.1)
    assert listener.silent_s() < 5
    time.sleep(0.2)
    assert listener.silent_s() >= 0.2
    listener.close()


def test_a_service_that_hangs_is_replaced_once_that_is_allowed(studio_env) -> None:
    said: list[str] = []
    allowed: list[int] = []
    command = Command(
        "hangs",
        lambda: [sys.executable, "-c", LIVES_THEN_HANGS],
        silent_s=lambda: 1.5,
        may_replace=lambda pid: pid in allowed,
    )
    service = Service(command, said.append)

    def ticked() -> int:
        service.tick()
        return service.process.pid if service.process is not None else 0

    first = ticked()
    until = time.monotonic() + 4
    while time.monotonic() < until:
        assert ticked() == first
        time.sleep(0.05)
    allowed.append(first)
    wait_until(lambda: ticked() not in (0, first), 30, "another process")
    assert any("has not responded" in line for line in said)
    stop_all([service])
