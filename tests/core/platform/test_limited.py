"""A function in a child process with limits: its answers, and what ends it."""

from __future__ import annotations

import os
import signal
import time

import pytest

from core.platform.limited import Limited, LimitExceeded, NotStarted

MEMORY_BYTES = 1 << 29


def limited(target: str, *, cpu_s: float = 2.0, answer_bytes: int = 1 << 20) -> Limited:
    return Limited(target, memory_bytes=MEMORY_BYTES, cpu_s=cpu_s, answer_bytes=answer_bytes)


def test_answers_are_what_the_function_returns() -> None:
    reverse = limited("operator:mul")
    assert reverse(2, "a\n\ud800é") == "a\n\ud800é" * 2
    assert [reverse(number, 3) for number in range(50)] == [3 * number for number in range(50)]


def test_each_limit_ends_the_call_with_its_name_and_the_next_one_works() -> None:
    multiply = limited("operator:mul")
    with pytest.raises(LimitExceeded, match="more than 512 MB of memory"):
        multiply(10**11, "a")
    with pytest.raises(LimitExceeded, match="more than 1 MB of text"):
        multiply(10**7, "a")
    assert multiply(2, "a") == "aa"
    power = limited("builtins:pow", cpu_s=0.5)
    with pytest.raises(LimitExceeded, match=r"more than 0\.5 seconds of computing"):
        power(7, 10**8)
    assert power(2, 3) == 8


@pytest.mark.parametrize("target", ["no_such_module:run", "operator:no_such_function"])
def test_a_function_that_cannot_be_loaded_is_not_a_lack_of_memory(target: str) -> None:
    with pytest.raises(NotStarted, match=r"could not be loaded: .*no_such.*, stop and start it"):
        limited(target)()


def test_time_between_calls_is_not_counted() -> None:
    sleep = limited("time:sleep", cpu_s=0.2)
    assert sleep(0.5) is None
    time.sleep(0.3)
    assert sleep(0) is None


def test_a_child_that_was_ended_or_interrupted_between_two_calls_is_no_error() -> None:
    pid = limited("os:getpid")
    first = pid()
    os.kill(first, signal.SIGINT)
    assert pid() == first
    os.kill(first, signal.SIGKILL)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
    assert pid() != first


def test_a_fork_has_its_own_child() -> None:
    pid = limited("os:getpid")
    first = pid()
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.write(writer, str(pid()).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert int(os.read(reader, 20)) != first
    assert pid() == first
