"""A Redis that accepts connections and never answers, or that ended: a screen must not call that a missing worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import StudioError
from core.platform.tasks import store
from core.services.platform import tasks
from tests.support import counting
from tests.support.servers import free_port, redis_of_studio, wait_until
from tests.support.studio import QUICK, Studio, wait_state, wait_steps

SILENT = "Redis does not respond"
NO_WORKER = "worker is running"


@pytest.fixture
def silent_redis(studio_env) -> Iterator[None]:
    with redis_of_studio() as server:
        os.kill(server.pid, signal.SIGSTOP)
        yield
        os.kill(server.pid, signal.SIGCONT)


def a_waiting_reason() -> str:
    return str(tasks.waiting_reason(store.get(counting.start(until=1))))


def test_a_task_waits_for_redis_and_not_for_a_worker(silent_redis) -> None:
    reason = a_waiting_reason()
    assert SILENT in reason
    assert NO_WORKER not in reason
    with pytest.raises(StudioError, match=SILENT) as refused:
        tasks.workers()
    assert "sft up" in refused.value.remedy


def test_a_silent_redis_holds_up_a_screen_once_and_not_at_each_question(silent_redis) -> None:
    listed = [store.get(counting.start(until=1)) for _ in range(2)]
    tasks.waiting_reasons(listed)
    began = time.monotonic()
    for _ in range(5):
        assert SILENT in str(tasks.waiting_reason(listed[0]))
    assert time.monotonic() - began < 2


def test_a_server_of_redis_url_that_ended_is_named(studio_env, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{free_port()}")
    reason = a_waiting_reason()
    assert SILENT in reason
    assert "REDIS_URL" in reason


def test_a_studio_that_was_not_started_has_no_worker(studio_env) -> None:
    """Nobody started its Redis: then the advice is to start the studio."""
    assert tasks.workers() == []
    assert NO_WORKER in a_waiting_reason()


SCREENS = """
from pages.ui.tasks import workers
workers.panel()
"""


@pytest.mark.parametrize("answers", [True, False], ids=["Redis answers", "Redis is silent"])
def test_the_panel_of_workers_names_what_is_missing(answers: bool, studio_env) -> None:
    with redis_of_studio() as server:
        if not answers:
            os.kill(server.pid, signal.SIGSTOP)
        app = AppTest.from_string(SCREENS, default_timeout=180).run()
        os.kill(server.pid, signal.SIGCONT)
    assert not app.exception
    text = " ".join(element.value for element in [*app.markdown, *app.caption])
    assert (SILENT in text, "No worker is running" in text) == (not answers, answers)


@pytest.mark.slow
def test_work_goes_on_while_redis_is_silent_and_the_worker_takes_the_next_task(
    studio_env, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in QUICK.items():
        monkeypatch.setenv(name, value)
    studio = Studio()
    with redis_of_studio() as server:
        try:
            worker = studio.worker()
            studio.reconciler()
            running = counting.start(until=100)
            wait_steps(studio_env, running, 3)
            os.kill(server.pid, signal.SIGSTOP)
            tasks.request(running, "cancel")
            assert wait_state(running, "cancelled")
            following = counting.start(until=2)
            time.sleep(30)  # longer than the worker's own limit for an answer
            os.kill(server.pid, signal.SIGCONT)
            assert wait_state(following, "succeeded")
            assert worker.poll() is None
        finally:
            os.kill(server.pid, signal.SIGCONT)
            studio.close()


@pytest.mark.slow
def test_a_worker_under_a_supervisor_waits_for_redis_and_alone_it_says_so(studio_env, monkeypatch) -> None:
    """Under a supervisor it would be started again and again."""
    command = [
        sys.executable,
        "-c",
        "import worker.__main__ as m; m.REDIS_WAIT_S = 1; raise SystemExit(m.main(['cpu']))",
    ]
    alone = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert alone.returncode == 1
    assert SILENT in alone.stderr
    assert "Traceback" not in alone.stderr
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    watched = subprocess.Popen(command, env=os.environ | {"SFT_LIFE_PIPE": str(writing)}, pass_fds=[writing])
    os.close(writing)
    try:
        wait_until(lambda: _has_signed(reading), 60, "a sign of life")
        time.sleep(3)
        assert watched.poll() is None
        assert _has_signed(reading)
    finally:
        watched.kill()
        watched.wait()
        os.close(reading)


def _has_signed(reading: int) -> bool:
    try:
        return bool(os.read(reading, 1 << 16))
    except BlockingIOError:
        return False
