"""`/api/v1/evaluations`: started, listed, read with verdicts and the worst answers, deleted."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.services.serving import evaluating
from tests.support import evaluations as planted, runs

EVALUATIONS = "/api/v1/evaluations"


@pytest.fixture(autouse=True)
def known(studio_env: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planted.models(monkeypatch)


def test_an_evaluation_from_its_start_to_its_end(client) -> None:
    planted.dataset()
    body = {"models": ["new"], "dataset": "Colors", "against": "old", "suites": ["format"], "limit": 5}
    started = client.post(EVALUATIONS, json=body).json()
    assert ([model["id"] for model in started["models"]], started["state"]) == (["new", "old"], "pending")
    assert (started["settings"]["limit"], started["settings"]["repeats"], started["summary"]) == (5, 2, None)
    assert [one["id"] for one in client.get(EVALUATIONS).json()["data"]] == [started["id"]]
    renamed = client.patch(f"{EVALUATIONS}/{started['id']}", json={"name": "First look"}).json()
    assert renamed["name"] == "First look"
    gone = client.delete(f"{EVALUATIONS}/{started['id']}", params={"confirm": "First look"})
    assert gone.status_code == 204, gone.text
    assert client.get(f"{EVALUATIONS}/{started['id']}").status_code == 404


def test_figures_verdicts_answers_and_leaderboard(client) -> None:
    done = planted.planted(planted.dataset(), {"new": planted.right, "old": planted.wrong}, against="old")
    shown = client.get(f"{EVALUATIONS}/{done.id}").json()
    scores = {score["metric"]: score for score in shown["summary"]["models"][0]["scores"]}
    assert (scores["exact_match"]["text"], scores["exact_match"]["right"]) == ("100.0%", 20)
    (verdict,) = client.get(f"{EVALUATIONS}/{done.id}/verdicts").json()
    assert (verdict["decision"], verdict["candidate_id"]) == ("ship", "new")
    worst = client.get(f"{EVALUATIONS}/{done.id}/answers", params={"model": "old", "limit": 2}).json()
    assert (worst["total"], [one["value"] for one in worst["data"]]) == (20, [0, 0])
    assert {answer["model_id"] for answer in worst["data"][0]["answers"]} == {"new", "old"}
    board = client.get(f"{EVALUATIONS}/leaderboard", params={"dataset": "Colors"}).json()
    assert [row["model_id"] for row in board] == ["new", "old"]


def test_a_suite_that_the_other_model_fails_is_named(client) -> None:
    answers = {"new": planted.right, "old": planted.wrong}
    done = planted.planted(planted.dataset(), answers, against="old", suites=("format",))
    (verdict,) = client.get(f"{EVALUATIONS}/{done.id}/verdicts").json()
    _, reason = verdict["reasons"]
    assert (reason["about"], reason["ok"]) == ("format", None)
    assert reason["text"].endswith("“Old” answers 0 of 32 correctly, so this suite cannot fall.")


def test_a_model_is_tested_and_has_scores(client, tmp_path: Path) -> None:
    model = runs.succeed(runs.launch(runs.dataset("Support"), "Support v1"), tmp_path / "adapter")
    address = f"/api/v1/models/{model.id}"
    assert client.get(f"{address}/scores").json() == []
    begun = client.post(f"{address}/test")
    assert begun.status_code == 202, begun.text
    assert (begun.json()["split"], begun.json()["state"]) == ("validation", "pending")
    assert client.post(f"{address}/test").json()["id"] == begun.json()["id"]
    answers = {model.id: planted.right_up_to(validation=29), "starter": planted.wrong}
    planted.answered(evaluating.get(begun.json()["id"]), answers)
    first, *_ = client.get(f"{address}/scores").json()
    assert (first["title"], first["main"], first["evaluation_id"]) == (
        "Held-out examples: Token F1", True, begun.json()["id"],
    )  # fmt: skip
    assert (first["tuned"]["total"], first["base"]["value"]) == (58, pytest.approx(0, abs=0.1))


@pytest.mark.parametrize(
    ("change", "status"),
    [({"split": "exam"}, 400), ({"metrics": ["x"]}, 404), ({"dataset": "none"}, 404), ({"models": []}, 422),
     ({"temperature": 9}, 422)],
)  # fmt: skip
def test_a_wrong_request_is_named(client, change: dict[str, object], status: int) -> None:
    planted.dataset()
    found = client.post(EVALUATIONS, json={"models": ["new"], "dataset": "Colors", **change})
    assert found.status_code in (status, 400 if status == 422 else status), found.text
    assert found.json()["detail"]
