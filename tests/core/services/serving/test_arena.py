"""The arena: pairs, drawn sides, answers that are stored once, one vote a match, and the standing."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.data.samples import load_sample
from core.errors import Conflict, DataError, NotFound, StudioError
from core.services.data import datasets
from core.services.serving import arena, comparing, kept
from core.services.serving.arena import Match, VoteCount
from core.services.serving.chat import ChatOptions
from core.services.serving.comparing import ComparedInput
from tests.support.talking import Talker, talking

ASKED = comparing.typed("Hello?")
MODELS = ("one", "two", "three")


@pytest.fixture(autouse=True)
def talker(studio_env: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Talker]:
    random.seed(5)
    monkeypatch.setattr(kept, "_kept", deque(maxlen=kept.MOST_KEPT))
    with talking(monkeypatch, any_model=True) as found:
        yield found


def played(pair: tuple[str, str], vote: str, asked: ComparedInput = ASKED) -> Match:
    """A match of this pair, with a vote: that for a model, or "tie" or "both_bad"."""
    match = arena.begin(pair, asked, ChatOptions())
    answered = arena.answers(match)
    assert answered is not None
    for answer in answered.answers:
        assert answer.done.wait(120)
    match = arena.keep(match, answered)
    side = {match.left_id: "left", match.right_id: "right"}.get(vote, vote)
    return arena.vote(match.id, side, "Ada")


def test_answers_are_stored_once_and_a_reload_shows_the_same_sides(talker: Talker) -> None:
    match = arena.begin(MODELS, ASKED, ChatOptions())
    answered = arena.answers(match)
    assert answered is not None
    assert arena.answers(match) is answered, "they are asked once"
    for answer in answered.answers:
        assert answer.done.wait(120)
    complete = arena.keep(match, answered)
    assert complete.complete
    assert {complete.left_answer, complete.right_answer} == {"Answer 1", "Answer 2"}
    again = arena.get(match.id)
    assert arena.answers(again) is None
    assert (again.left_id, again.right_id) == (match.left_id, match.right_id)
    assert len(talker.asked) == 2


def test_sides_are_drawn() -> None:
    lefts = {arena.begin(("one", "two"), ASKED, ChatOptions()).left_id for _ in range(20)}
    assert lefts == {"one", "two"}


def test_a_match_has_one_vote() -> None:
    match = played(("one", "two"), "tie")
    assert (match.vote, match.author) == ("tie", "Ada")
    assert arena.vote(match.id, "tie", "Grace").author == "Ada", "a double click changes nothing"
    with pytest.raises(Conflict, match="another window"):
        arena.vote(match.id, "left")
    with pytest.raises(DataError, match="not a vote"):
        arena.vote(match.id, "up")
    with pytest.raises(NotFound):
        arena.vote("match_none", "left")


def test_no_vote_before_both_answers_are_there(talker: Talker) -> None:
    talker.go.clear()
    match = arena.begin(("one", "two"), ASKED, ChatOptions())
    answered = arena.answers(match)
    assert answered is not None
    with pytest.raises(Conflict, match="not complete"):
        arena.vote(match.id, "left")
    talker.go.set()
    for answer in answered.answers:
        assert answer.done.wait(120)


def test_an_answer_that_fails_is_an_error_and_stores_nothing(talker: Talker) -> None:
    talker.error = StudioError("The model is away.")
    match = arena.begin(("one", "two"), ASKED, ChatOptions())
    answered = arena.answers(match)
    assert answered is not None
    for answer in answered.answers:
        assert answer.done.wait(120)
    with pytest.raises(StudioError, match="away"):
        arena.keep(match, answered)
    assert not arena.get(match.id).complete
    talker.error = None
    again = arena.answers(match)
    assert again is not None
    assert again is not answered, "a reload asks again"
    for answer in again.answers:
        assert answer.done.wait(120)
    assert arena.keep(match, again).complete


def test_the_pair_with_the_fewest_votes_is_next() -> None:
    for pair in (("one", "two"), ("two", "three")):
        played(pair, "tie")
    assert set(arena.next_pair(MODELS)) == {"one", "three"}
    with pytest.raises(DataError, match="two models"):
        arena.next_pair(["one", "one"])


def test_an_example_is_asked_once_before_any_is_asked_twice() -> None:
    version = datasets.create_dataset("Small", load_sample().train[:3]).version
    pair = ("one", "two")
    seen = set()
    for _ in range(3):
        asked = arena.next_example(version.id, "train", pair)
        assert asked is not None
        seen.add(played(pair, "one", asked).position)
    assert seen == {0, 1, 2}
    assert arena.next_example(version.id, "train", pair) is not None
    assert arena.next_example(version.id, "test", pair) is None


def test_the_standing_counts_votes_on_both_sides() -> None:
    for winner in ("one",) * 4 + ("two", "tie", "both_bad"):
        played(("one", "two"), winner)
    (pair,) = arena.standing().pairs
    assert (pair.first_id, pair.second_id) == ("one", "two")
    assert pair.votes == VoteCount(4, 1, 1, 1)
    assert arena.standing().ranked == ()
    played(("three", "two"), "three")
    found = arena.standing()
    assert {one.model_id for one in found.ranked} == set(MODELS)
    assert found.ranked[-1].model_id == "two"
    assert found.votes == 8
    assert found.names["three"] == "three"
    matches, total = arena.recent()
    assert (matches[0].vote in ("left", "right"), total) == (True, 8)
