"""The table of moves is the one that the architecture page draws."""

from __future__ import annotations

from core.platform.tasks.states import STATES, TERMINAL, TRANSITIONS, WORKABLE, may_move


def test_every_target_is_a_state() -> None:
    assert {to for targets in TRANSITIONS.values() for to in targets} <= set(STATES)


def test_success_is_final_and_other_ends_can_be_retried() -> None:
    assert TRANSITIONS["succeeded"] == frozenset()
    for ended in TERMINAL - {"succeeded"}:
        assert TRANSITIONS[ended] == {"pending"}


def test_a_pause_goes_on_through_the_queue() -> None:
    assert TRANSITIONS["paused"] == {"pending", "cancelled"}
    assert not may_move("paused", "running")


def test_only_unfinished_work_can_be_held() -> None:
    assert WORKABLE.isdisjoint(TERMINAL | {"paused"})


def test_an_unknown_state_allows_no_move() -> None:
    assert not may_move("dreaming", "running")
