"""Evaluations: begun, summarized, judged, listed, and deleted."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import Conflict, DataError, NotFound
from core.platform.db.uow import UnitOfWork
from core.platform.limited import Limited
from core.platform.tasks import store as task_store
from core.services.platform.listing import View
from core.services.serving import evaluating
from core.services.serving.evaluating import AnswerRecord, EvaluationSettings, verdicts
from core.serving.evaluation import custom, sandbox
from core.serving.evaluations import store
from tests.support import evaluations as planted


@pytest.fixture(autouse=True)
def known(studio_env: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planted.models(monkeypatch)


def test_figures_and_verdict_come_from_the_stored_answers() -> None:
    done = planted.planted(
        planted.dataset(), {"new": planted.right, "old": planted.wrong}, against="old", suites=("refusals",), repeats=2
    )
    assert done.name == "“New” against “Old” on “Colors”"
    assert done.summary is not None
    new, old = done.summary.of("new"), done.summary.of("old")
    assert new is not None
    assert old is not None
    assert done.summary.main == "label_accuracy"
    assert [(score.right, score.total) for score in (new.score("label_accuracy"), old.score("label_accuracy"))] == [
        (20, 20), (0, 20),
    ]  # fmt: skip
    assert new.suites == {"refusals": (32, 32)}
    assert (old.noise, new.noise) == (0, None)
    verdict = verdicts.newest("new")
    assert verdict is not None
    assert (verdict.decision, verdict.parent_id, verdict.evaluation_id) == ("ship", "old", done.id)
    assert [reason.ok for reason in verdict.reasons] == [True, True]
    assert verdicts.newest("old") is None


def test_a_model_that_must_not_ship_is_deployed_only_with_a_reason() -> None:
    done = planted.planted(planted.dataset(), {"new": planted.wrong, "old": planted.right}, against="old")
    with pytest.raises(Conflict, match="Don't ship"):
        verdicts.require("new")
    with pytest.raises(DataError):
        verdicts.override("new", "  ")
    changed = verdicts.override("new", "The old one costs too much.", by="Lena")
    assert (changed.override["reason"], changed.override["by"]) == ("The old one costs too much.", "Lena")
    verdicts.require("new")
    verdicts.require("old")  # it has none
    with pytest.raises(NotFound):
        verdicts.override("old", "Because.")
    assert verdicts.of_evaluation(done.id)[0].override == changed.override


def test_the_metric_of_the_verdict_is_measured_also_where_it_was_not_chosen() -> None:
    answers = {"new": planted.right, "old": planted.wrong}
    done = planted.planted(planted.dataset(), answers, against="old", metrics=["tokens"])
    (verdict,) = verdicts.of_evaluation(done.id)
    assert verdict.decision == "ship"
    assert done.summary is not None
    assert [score.metric for score in done.summary.models[0].scores] == ["label_accuracy", "tokens"]


def test_a_custom_metric_that_is_given_up_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    target = f"{sandbox.__name__}:regex"
    monkeypatch.setattr(custom, "_regex", Limited(target, memory_bytes=512 << 20, cpu_s=0.1))
    slow = {"kind": "regex", "name": "Slow", "body": "(a+)+$"}
    settings = EvaluationSettings(custom=(slow, {"kind": "regex", "name": "Red", "body": "red"}))
    done = planted.planted(planted.dataset(), {"new": lambda question, repeat: "a" * 40 + " red"}, settings=settings)
    assert done.summary is not None
    (why,) = done.summary.given_up
    assert why.startswith("The metric “Slow” was given up: it needed more than 0.1 seconds")
    titles = {score.title: score.value for score in done.summary.models[0].scores}
    assert titles["Red"] == 1
    assert "Slow" not in titles
    assert done.summary.models[0].answered == 20


def test_perplexity_can_decide() -> None:
    settings = EvaluationSettings(against="old", main="perplexity")
    done = planted.planted(planted.dataset(), {"new": planted.wrong, "old": planted.wrong}, settings=settings)
    with UnitOfWork() as uow:
        for model, logprob in (("new", -1.0), ("old", -4.0)):
            found = {answer.position: (logprob, 2) for answer in store.answers(done.id, model_id=model)}
            store.save_logprobs(uow, done.id, model, found)
        uow.commit()
    with UnitOfWork() as uow:
        verdicts.decide(uow, done, "perplexity")
        uow.commit()
    newest = verdicts.newest("new")
    assert newest is not None
    assert newest.decision == "ship"
    assert newest.reasons[0].after == pytest.approx(1.6487, abs=1e-4)


def test_an_answer_is_stored_once() -> None:
    done = planted.planted(planted.dataset(), {"new": planted.right})
    before = store.answers(done.id)
    again = AnswerRecord("new", "", before[0].position, 0, "another answer")
    with UnitOfWork() as uow:
        store.add_answers(uow, done.id, [again])
        uow.commit()
    assert store.answers(done.id) == before


def test_worst_answers_are_first_and_have_their_questions() -> None:
    def half(question, repeat: int) -> str:
        return "no idea" if question.position % 2 else question.expected

    done = planted.planted(planted.dataset(), {"new": half, "old": planted.wrong}, against="old")
    found, total = evaluating.cases(done, "new", limit=12)
    assert total == 20
    assert [case.value for case in found] == [0.0] * 10 + [1.0] * 2
    assert found[0].question.text == f"Color of thing {found[0].question.position}?"
    assert set(found[0].answers) == {"new", "old"}
    matrix = evaluating.matrix(done, "new")
    assert matrix is not None
    assert sum(map(sum, matrix.counts)) == 20


def test_the_leaderboard_has_each_model_by_its_newest_evaluation() -> None:
    colors = planted.dataset()
    planted.planted(colors, {"a": planted.wrong, "b": planted.right})
    newest = planted.planted(colors, {"a": planted.right, "c": planted.wrong})
    board = evaluating.leaderboard(colors.id)
    assert [row.model_id for row in board] == ["a", "b", "c"]
    assert board[0].evaluation_id == newest.id
    assert evaluating.leaderboard(colors.id, "validation") == []
    assert evaluating.boards() == [(colors.id, "Colors", "test")]


def test_the_list_is_searched_archived_and_deleted_from() -> None:
    done = planted.planted(planted.dataset(), {"new": planted.right})
    evaluating.rename(done.id, "First look")
    found, rows = evaluating.look_up(View(search="first"))
    assert (found.total, [row.name for row in rows]) == (1, ["First look"])
    assert evaluating.archive([done.id]) == 1
    assert evaluating.look_up(View())[0].total == 0
    assert evaluating.restore([done.id]) == 1
    with pytest.raises(Conflict):
        evaluating.delete(done.id, "Another")
    evaluating.delete(done.id, "First look")
    with pytest.raises(NotFound):
        evaluating.get(done.id)
    assert task_store.get(done.task_id).state == "cancelled"  # it had not run


@pytest.mark.parametrize(
    ("change", "field"),
    [({"split": "exam"}, "split"), ({"settings": EvaluationSettings(limit=0)}, "limit"),
     ({"settings": EvaluationSettings(temperature=9)}, "temperature"),
     ({"settings": EvaluationSettings(against="new")}, "against")],
)  # fmt: skip
def test_a_wrong_choice_is_named(change, field: str) -> None:
    with pytest.raises(DataError) as error:
        evaluating.start(["new"], planted.dataset().version.id, **change)
    assert error.value.field == field


def test_an_unknown_metric_or_suite_is_named() -> None:
    version = planted.dataset().version.id
    with pytest.raises(NotFound, match="exactest"):
        evaluating.start(["new"], version, metrics=["exactest"])
    with pytest.raises(NotFound, match="poetry"):
        evaluating.start(["new"], version, settings=EvaluationSettings(suites=("poetry",)))
    with pytest.raises(DataError, match="1 to 8 models"):
        evaluating.start([], version)
