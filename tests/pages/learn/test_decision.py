from __future__ import annotations

from itertools import product

from pages.learn._explainer.decision import ADVICE, QUESTIONS, follow, mermaid


def test_every_path_ends_in_advice_and_every_advice_is_reached() -> None:
    reached = set()
    for answers in product((True, False), repeat=len(QUESTIONS)):
        asked, advice = follow(dict(zip(QUESTIONS, answers, strict=True)))
        assert advice is not None
        assert len(asked) <= len(QUESTIONS)
        reached.add(advice.id)
    assert reached == set(ADVICE)


def test_an_open_question_is_last() -> None:
    asked, advice = follow({"facts": False})
    assert advice is None
    assert [question.id for question in asked] == ["facts", "prompt"]


def test_enough_examples_and_many_calls_lead_to_a_job() -> None:
    _, advice = follow({"facts": False, "prompt": False, "stable": True, "examples": True, "calls": True})
    assert advice is not None
    assert (advice.id, advice.page) == ("tune", "new_job")


def test_the_chart_marks_the_path_taken() -> None:
    chart = mermaid({"facts": False, "prompt": True}, "#4C75DE")
    assert "facts ==>|no| prompt" in chart
    assert "prompt ==>|yes| prompting" in chart
    assert "class facts,prompt,prompting taken" in chart
