"""Examples by meaning: pairs that say the same, held-out inputs that training knows, topics, and large sets."""

from __future__ import annotations

import numpy as np
import pytest

from core.data.meaning import look as looking
from core.data.meaning.alike import alike, nearest
from core.data.meaning.look import look
from core.data.meaning.records import MeaningReport
from core.data.meaning.topics import topics
from core.data.meaning.vectors import DIMENSIONS, embed
from core.messages import Example, Message, Split

PLANTS = ["My tomato plant has yellow leaves", "The leaves of my tomato plant are yellow"]
TOPICS = {
    "shipping": "The courier delivered parcel number {} to the wrong address",
    "password": "I forgot my password and cannot sign in to account {}",
    "soup": "How long do I boil carrots and onions for soup number {}",
}


def example(asked: str, said: str, split: Split = "train") -> Example:
    return Example((Message("user", asked), Message("assistant", said)), split=split)


def test_vectors_have_length_one_and_an_empty_text_has_none() -> None:
    rows = embed(["Where is my parcel?", "", "Where is my parcel?"])
    assert rows.shape == (3, DIMENSIONS)
    assert np.linalg.norm(rows[0]) == pytest.approx(1, abs=1e-5)
    assert np.array_equal(rows[0], rows[2])
    assert embed([]).shape == (0, DIMENSIONS)


def test_the_same_in_other_words_is_a_pair_and_a_copy_is_not() -> None:
    texts = [*PLANTS, "How do I install a dishwasher?", "how do I  install a DISHWASHER?"]
    (pair,) = alike(embed(texts), texts)
    assert (pair.first, pair.second) == (0, 1)
    assert 0.85 <= pair.similarity <= 1


def test_the_nearest_known_text_is_found_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.data.meaning.alike.BLOCK", 2)
    known = [text.format(n) for text in TOPICS.values() for n in range(5)]
    asked = ["Something else entirely", known[7], known[11]]
    found = {pair.first: pair.second for pair in nearest(embed(asked), embed(known), 0.99)}
    assert found == {1: 7, 2: 11}
    assert nearest(embed(asked), embed([]), 0.5) == []


def test_the_report_names_positions_outputs_and_splits() -> None:
    examples = [
        example("What is the capital of France?", "Paris"),
        example(PLANTS[0], "Too much water."),
        example(PLANTS[1], "Too little water."),
        example("", "An example without an input."),
        example("What is the capital city of France?", "Paris", "validation"),
    ]
    shares: list[float] = []
    report = look(examples, len(examples), "dv_1", shares.append)
    assert report.compared == 4
    (pair,) = report.alike
    assert (pair.first, pair.second, pair.same_output) == (1, 2, False)
    (known,) = report.known
    assert (known.first, known.second, known.same_output) == (4, 0, True)
    assert report.topics == ()
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert MeaningReport.from_dict(report.to_dict()) == report


def test_topics_are_named_by_what_sets_them_apart_and_thin_ones_are_marked() -> None:
    texts = [TOPICS["shipping"].format(n) for n in range(40)]
    texts += [TOPICS["password"].format(n) for n in range(40)]
    texts += [TOPICS["soup"].format(n) for n in range(2)]
    found = topics(embed(texts), texts)
    assert sum(topic.count for topic in found) == len(texts)
    assert sorted(at for topic in found for at in topic.members) == list(range(len(texts)))
    soup = next(topic for topic in found if 80 in topic.members)
    assert soup.members == (80, 81)
    assert soup.thin
    assert "carrots" in soup.name or "soup" in soup.name or "boil" in soup.name
    assert all(-1 <= place <= 1 for topic in found for place in (topic.x, topic.y))
    assert topics(embed(texts), texts) == found, "the same texts have the same topics"


def test_names_of_topics_have_no_words_that_every_text_may_have() -> None:
    asked = ("When does the {} arrive?", "The {} is late", "Where is my {}, please?", "Hello, the {} was not there")
    subjects = ("parcel", "invoice", "password", "refund")
    texts = [text.format(subject) for subject in subjects for text in asked for _ in range(3)]
    words = {word for topic in topics(embed(texts), texts) for word in topic.name.split(", ")}
    assert words <= {*subjects, "arrive", "late"}
    (only, *_) = topics(embed(["what is it and who are you"] * 8), ["what is it and who are you"] * 8)
    assert only.name, "better small words than none"


def test_a_large_set_is_compared_by_an_even_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "MOST", 50)
    examples = [example(f"Question number {n} about {n * 7}", "x") for n in range(500)]
    report = look(examples, 500, "dv_1")
    assert (report.examples, report.compared) == (500, 50)


def test_a_report_of_nothing() -> None:
    report = look([], 0, "dv_1")
    assert (report.compared, report.alike, report.known, report.topics) == (0, (), (), ())
