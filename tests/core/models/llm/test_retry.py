"""Asking again: as often as it makes sense, as long as the endpoint asks to wait, and stopped at once when told."""

from __future__ import annotations

import threading

import pytest

from core.errors import SettingsError
from core.models.llm import Ask, Completion, LlmError, prices as pricing
from core.models.llm.prices import FREE, Price, price_of
from core.models.llm.retry import MOST_WAIT_S, Patience

ASK = Ask("m", ({"role": "user", "content": "hello"},))


class Scripted:
    """Fails as told, then answers."""

    def __init__(self, *errors: LlmError) -> None:
        self.errors, self.calls = list(errors), 0

    def ask(self, ask: Ask) -> Completion:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return Completion("ok", 1, 1)

    def models(self) -> list[str]:
        return []

    def close(self) -> None:
        return


class Waits(list[float]):
    """Records the pauses instead of waiting."""

    def __call__(self, seconds: float) -> bool:
        self.append(seconds)
        return False


def busy(wait_s: float | None = None) -> LlmError:
    return LlmError("busy", cause="rate_limited", retry_after_s=wait_s)


def test_pauses_grow_and_then_it_answers() -> None:
    waits = Waits()
    answer, calls = Patience(wait=waits).ask(Scripted(*[LlmError("x", cause="server")] * 4), ASK)
    assert (answer.text, calls) == ("ok", 5)
    for number, pause in enumerate(waits):
        assert 0.5 * 2**number <= pause <= 2**number


def test_it_gives_up_and_says_how_often_it_tried() -> None:
    script = Scripted(*[LlmError("down", cause="server")] * 9)
    with pytest.raises(LlmError, match="down") as caught:
        Patience(attempts=3, wait=Waits()).ask(script, ASK)
    assert script.calls == caught.value.attempts == 3


@pytest.mark.parametrize("cause", ["key", "model", "quota", "refused", "redirect", "too_large"])
def test_what_asking_cannot_mend_is_not_asked_again(cause: str) -> None:
    script = Scripted(LlmError("no", cause=cause))
    with pytest.raises(LlmError):
        Patience(wait=Waits()).ask(script, ASK)
    assert script.calls == 1


def test_retry_after_is_honoured_by_everybody_and_capped() -> None:
    waits = Waits()
    patience = Patience(wait=waits)
    patience.pause(1, busy(2.5))
    assert waits == [2.5]
    stop = threading.Event()
    stop.set()
    patience.wait = stop.wait  # another thread, which is told to stop while it holds back
    with pytest.raises(LlmError) as caught:
        patience.hold()
    assert caught.value.cause == "stopped"
    waits.clear()
    Patience(wait=waits).pause(1, busy(86_400))
    assert waits == [MOST_WAIT_S]


def test_a_pause_ends_when_the_work_is_told_to_stop() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(LlmError) as caught:
        Patience(wait=stop.wait).ask(Scripted(busy(60)), ASK)
    assert caught.value.cause == "stopped"


def test_every_call_and_every_wait_is_a_sign_of_life() -> None:
    beats: list[int] = []
    Patience(wait=Waits()).ask(Scripted(*[LlmError("x", cause="server")] * 2), ASK, lambda: beats.append(1))
    assert len(beats) == 5  # three calls, two pauses


def test_prices() -> None:
    prices = pricing.checked({"big": {"input": 2, "output": 8, "as_of": "2026-01-31"}, "*": {"input": 1, "output": 1}})
    assert price_of(prices, "big", is_local=False) == Price(2.0, 8.0, "2026-01-31")
    assert price_of(prices, "other", is_local=False).input_usd == 1
    assert len(price_of(prices, "other", is_local=False).as_of) == 10  # today
    assert price_of({}, "big", is_local=False) is None  # unknown is not nothing
    assert price_of({}, "big", is_local=True) is FREE
    assert Price(2.0, 8.0).cost(1_000_000, 500_000) == 6.0
    for amount in (-1, True, float("nan"), "2", None, 1e9):
        with pytest.raises(SettingsError, match="big"):
            pricing.checked({"big": {"input": amount, "output": 1}})
    with pytest.raises(SettingsError, match="day"):
        pricing.checked({"big": {"input": 1, "output": 1, "as_of": "yesterday"}})
