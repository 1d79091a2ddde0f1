"""The rubric judge of an evaluation: both orders stored, ties, ratings by people."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import DataError
from core.platform.db.uow import UnitOfWork
from core.services.serving import evaluating
from core.services.serving.evaluating import AnswerRecord, EvaluationRecord, EvaluationSettings, judging
from core.services.serving.evaluating.questions import of_dataset
from core.serving.evaluations import store
from tests.support import evaluations as planted


@pytest.fixture
def done(studio_env: Path, monkeypatch: pytest.MonkeyPatch) -> EvaluationRecord:
    planted.models(monkeypatch)
    settings = EvaluationSettings(against="old", judge={"model": "wise"})
    return planted.planted(planted.dataset(), {"new": planted.right, "old": planted.wrong}, settings=settings)


def judge(done: EvaluationRecord, winner_of) -> None:
    """The judge's answers, from what it is asked and the repeat."""
    asked = {question.position: question for question in of_dataset(done.dataset_version_id, "test", None)[0]}
    rows = []
    for question, repeat in judging.questions(done, asked):
        text = json.dumps({"reason": "so", "winner": winner_of(question.messages[-1].content, repeat)})
        row = AnswerRecord("wise", question.suite, question.position, repeat, text)
        rows.append(replace(row, scores=judging.values(row)))
    with UnitOfWork() as uow:
        store.add_answers(uow, done.id, rows)
        uow.commit()


def better(text: str, repeat: int) -> str:
    """The side whose answer is not `no idea`."""
    return "right" if "LEFT ANSWER:\nno idea" in text else "left"


def test_a_judge_sees_both_orders(done: EvaluationRecord) -> None:
    judge(done, better)
    found = judging.judged(done, "new")
    assert found is not None
    assert (found.wins, found.ties, found.losses, found.biased) == (20, 0, 0, "")
    assert evaluating.get(done.id).summary == done.summary  # judgments are not answers of a suite


def test_a_judge_that_always_says_left_decides_nothing(done: EvaluationRecord) -> None:
    judge(done, lambda text, repeat: "left")
    found = judging.judged(done, "new")
    assert found is not None
    assert (found.wins, found.ties, found.biased) == (0, 20, "left")


def test_an_answer_that_is_no_judgment_is_a_tie() -> None:
    for text in ("left", '{"winner": "both"}', "[]", ""):
        assert judging.values(AnswerRecord("wise", "judge:new", 0, 0, text)) == {"winner": 0, "left": 0}


def test_what_a_judge_could_not_read_is_not_a_tie(done: EvaluationRecord) -> None:
    asked = {question.position: question for question in of_dataset(done.dataset_version_id, "test", None)[0]}
    rows = [AnswerRecord("wise", question.suite, question.position, repeat, "", error="It is too long.")
            for question, repeat in judging.questions(done, asked)]  # fmt: skip
    with UnitOfWork() as uow:
        store.add_answers(uow, done.id, [replace(row, scores=judging.values(row)) for row in rows])
        uow.commit()
    assert judging.judged(done, "new") is None
    assert judging.failed(done, "new") == (40, "It is too long.")


def test_people_rate_pairs_without_names_and_calibrate_the_judge(done: EvaluationRecord) -> None:
    judge(done, better)
    assert judging.calibration(done, "new").ratings == 0
    for number in range(20):
        pair = judging.next_pair(done, "new")
        assert pair is not None
        winner = "right" if pair.left == "no idea" else "left"
        judging.rate(done, "new", pair, "tie" if number == 0 else winner)
    assert judging.next_pair(done, "new") is None
    found = judging.calibration(done, "new")
    assert (found.ratings, found.enough, found.kappa) == (20, True, 0)  # the judge never said tie
    assert sorted(set(judging.ratings(done, "new").values())) == [0, 1]


def test_people_are_not_asked_about_equal_answers(studio_env: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planted.models(monkeypatch)

    def odd(question, repeat: int) -> str:
        return question.expected if question.position % 2 else "no idea"

    settings = EvaluationSettings(against="old", judge={"model": "wise"})
    found = planted.planted(planted.dataset(), {"new": odd, "old": planted.right}, settings=settings)
    judge(found, better)
    rated = 0
    while pair := judging.next_pair(found, "new"):
        assert pair.left != pair.right
        judging.rate(found, "new", pair, "tie")
        rated += 1
    assert rated == 10


def test_a_judge_needs_a_model_to_compare_with(studio_env: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planted.models(monkeypatch)
    with pytest.raises(DataError, match="compares"):
        evaluating.start(["new"], planted.dataset().version.id, settings={"judge": {"model": "wise"}})
