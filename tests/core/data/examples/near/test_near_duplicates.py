"""Near duplicates: planted pairs are found, nothing else is, and crowds do not explode."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings, strategies as st

from core.data.examples import identity, likeness
from core.data.examples.near import minhash, near_duplicates, shingles
from core.data.examples.near.near_duplicates import SimilarPair, find_groups, find_pairs
from core.messages import Message
from tests.support.series import series


def _plain_set(text: str) -> set[str]:
    """The documented shingling, written once more in the plainest way."""
    normal = shingles.normalize(text)
    return {normal[i : i + 5] for i in range(max(1, len(normal) - 4))}


def _planted(count: int, seed: int = 3) -> list[str]:
    rng = random.Random(seed)
    vocabulary = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyzäé", k=rng.randint(2, 9))) for _ in range(2_000)]
    texts = [" ".join(rng.choices(vocabulary, k=rng.randint(8, 100))) for _ in range(count)]
    for index in range(0, count, 5):
        words = texts[index].split()
        for _ in range(rng.randint(1, 1 + len(words) // 12)):
            words[rng.randrange(len(words))] = rng.choice(vocabulary)
        texts.append(" ".join(words))
    return texts


@pytest.mark.parametrize("threshold", [0.5, 0.8, 0.9])
def test_recall_and_precision_against_every_pair_compared(threshold: float) -> None:
    texts = _planted(250)
    sets = [_plain_set(text) for text in texts]
    truth = {
        (a, b): len(sets[a] & sets[b]) / len(sets[a] | sets[b])
        for a in range(len(texts))
        for b in range(a + 1, len(texts))
        if len(sets[a] & sets[b]) / len(sets[a] | sets[b]) >= threshold
    }
    result = find_pairs(texts, threshold)
    found = {(pair.first, pair.second): pair.similarity for pair in result.pairs}
    assert truth
    assert found.keys() <= truth.keys()
    assert len(found) >= 0.98 * len(truth)
    assert all(found[key] == pytest.approx(truth[key]) for key in found)


def test_case_punctuation_and_spaces_do_not_matter() -> None:
    result = find_pairs(["Where is my card?", "where is  my card", "WHERE IS MY CARD!!", "something else"])
    assert result.clusters == ((0, 1, 2),)
    assert result.pairs == (SimilarPair(0, 1, 1.0), SimilarPair(0, 2, 1.0), SimilarPair(1, 2, 1.0))
    assert result.complete


def test_clusters_hang_together_through_others() -> None:
    words = [f"word{index}" for index in range(60)]
    first = " ".join(words)
    second = " ".join(["other", *words[1:]])
    third = " ".join(["other", "again", *words[2:]])
    assert find_pairs(["unrelated text", third, first, second]).clusters == ((1, 2, 3),)


def test_a_crowd_is_one_cluster_and_not_a_million_pairs() -> None:
    body = " ".join(f"sentence{index}" for index in range(80))
    texts = [f"{body} number {index}" for index in range(1_500)] + ["the same thing"] * 500
    result = find_pairs(texts)
    assert result.clusters == (tuple(range(1_500)), tuple(range(1_500, 2_000)))
    assert not result.complete
    assert len(result.pairs) < 100_000


@pytest.mark.parametrize(
    "texts",
    [[], [""], ["a"], ["", "", "!!"], ["a", "b"], ["日本語のテキスト", "日本語のテキスト。"], ["\ud800x", "\ud800x"]],
)
def test_odd_and_few_texts(texts: list[str]) -> None:
    result = find_pairs(texts)
    assert all(pair.similarity == 1.0 for pair in result.pairs)


def test_progress_grows_to_one_and_may_end_the_search() -> None:
    seen: list[float] = []
    find_pairs(_planted(100), progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0

    def stop(share: float) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        find_pairs(_planted(100), progress=stop)


def test_a_threshold_that_means_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="threshold"):
        find_pairs(["a"], 0)


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.8, 0.9, 0.95])
def test_the_bands_let_pairs_at_the_threshold_through(threshold: float) -> None:
    bands, rows = minhash.plan(threshold)
    assert bands * rows <= 128
    assert 1 - (1 - threshold**rows) ** bands >= 0.99


@settings(max_examples=series(100), deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_similarity_is_the_plain_jaccard_index(one: str, other: str) -> None:
    a, b = _plain_set(one), _plain_set(other)
    assert shingles.similarity(one, other) == pytest.approx(len(a & b) / len(a | b))
    assert shingles.similarity(one, one) == 1.0


def test_groups_are_the_clusters_of_all_pairs() -> None:
    texts = [*_planted(400), "the same thing", "The same thing!"]
    groups = find_groups(texts)
    assert groups.clusters() == find_pairs(texts).clusters
    assert groups.complete


def test_groups_of_a_crowd_are_connected_by_similar_pairs_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_duplicates, "_MANY", 100)
    body = " ".join(f"sentence{index}" for index in range(80))
    texts = [f"{body} number {index}" for index in range(1_500)] + ["the same thing"] * 500 + ["another thing"]
    groups = find_groups(texts)
    assert groups.clusters() == (tuple(range(1_500)), tuple(range(1_500, 2_000)))
    assert not groups.complete


@given(st.text(st.characters(max_codepoint=127)))
def test_plain_text_is_normalized_as_all_other_text_is(text: str) -> None:
    plain = shingles.normalize(f"a {text}")
    assert shingles.normalize(f"a {text} ä") == f"{plain} ä"  # its last letter takes it through Unicode's rules


@given(st.lists(st.builds(Message, st.sampled_from(["system", "user", "assistant"]), st.text(max_size=20))))
def test_stored_messages_are_compared_by_the_same_text(messages: list[Message]) -> None:
    assert likeness.text_of_stored(identity.stored(messages)) == likeness.text_of(messages)


def test_texts_of_signs_and_lines_are_compared_as_they_are() -> None:
    assert find_pairs(["!\n?", "!\n?", "\ud800", '"tool_calls"', "..."]).clusters == ((0, 1),)
