from __future__ import annotations

from core.services.learn.explain.costs import arrangements


def test_a_call_of_a_tuned_model_needs_no_instructions() -> None:
    base, tuned = arrangements(instructions=100, question=20, answer=40)
    assert (base.per_call, tuned.per_call) == (160, 60)
    assert base.per_month(10) - tuned.per_month(10) == 100 * 10 * 30


def test_base_and_tuned_receive_the_same_passages() -> None:
    ways = {
        way.title: way for way in arrangements(instructions=100, question=20, answer=40, passages=3, passage_tokens=50)
    }
    assert len(ways) == 4
    assert ways["Tuned, with retrieval"].per_call == ways["Tuned"].per_call + 150
