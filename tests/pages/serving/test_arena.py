"""The Arena screen: names appear only after the vote."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.services.serving import arena
from core.services.training.models import ModelRecord
from tests.pages.conftest import keys
from tests.support.talking import Talker, tuned


@pytest.fixture
def pair(talker: Talker, tmp_path: Path) -> tuple[ModelRecord, ModelRecord]:
    return tuned(tmp_path / "one", "Cautious"), tuned(tmp_path / "two", "Daring")


def answers_of(app) -> str:
    """The texts of both cards."""
    return " ".join(item.value for item in app.main.markdown if item.value.startswith(("**A**", "**B**")))


def test_two_answers_are_judged_without_names_and_named_after_the_vote(open_screen, read, pair) -> None:
    app = open_screen("arena", models=[model.id for model in pair])
    read(app)
    assert "vote_left" not in keys(app)
    app.button(key="next_pair").click().run()
    shown = read(app)
    assert {"vote_left", "vote_right", "vote_tie", "vote_both_bad"} <= keys(app)
    assert "Answer 2" in shown
    assert answers_of(app) == "**A** **B**"
    address = dict(app.query_params)
    again = open_screen("arena", **address)
    read(again)
    assert "vote_left" in keys(again), "a reload shows the same comparison"
    app.button(key="vote_left").click().run()
    read(app)
    assert "Cautious" in answers_of(app)
    assert "Daring" in answers_of(app)
    assert "vote_left" not in keys(app)
    assert "arena_pairs" in keys(app)
    again.button(key="vote_right").click().run()
    assert arena.get(app.query_params["match"]).vote == "left", "one vote for a match"
    read(again)
    assert "not counted" in again.toast[0].value


def test_a_link_to_an_unknown_match_says_so(open_screen, read, pair) -> None:
    app = open_screen("arena", match="match_none")
    read(app)
    assert "does not exist" in read(app)
    assert not app.button(key="next_pair").disabled


def test_without_models_the_screen_leads_to_the_demo(open_screen, read, studio_env: Path) -> None:
    app = open_screen("arena")
    read(app)
    assert "empty_no_arena" in keys(app)
