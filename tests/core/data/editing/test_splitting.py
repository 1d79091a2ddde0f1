"""Splits: seeded, of the size asked for, and never the same example on both sides."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from core.data.editing import GROUPINGS, Split
from core.data.editing.building import count
from core.data.versions.rows import Rows
from core.errors import DataError
from core.messages import Example
from tests.support.versions import pair, stored


def placed(operation: Split, rows: Rows) -> list[tuple[Example, str]]:
    return [(made.origin.example, made.part) for made in operation.apply(rows) if made.origin is not None]


def sides(found: list[tuple[Example, str]], key) -> dict[object, set[str]]:
    known: dict[object, set[str]] = {}
    for example, split in found:
        known.setdefault(key(example), set()).add(split)
    return known


def test_random_is_seeded_and_does_not_depend_on_the_order(tmp_path: Path) -> None:
    examples = [pair(f"Question {n}?", f"Answer {n}", n + 1) for n in range(100)]
    rows = stored(tmp_path / "a", examples)
    backwards = stored(tmp_path / "b", examples[::-1])

    def held_out(of: Rows, seed: int = 42) -> set[object]:
        found = placed(Split(kind="random", share=0.2, seed=seed), of)
        return {example.messages for example, split in found if split == "validation"}

    assert len(held_out(rows)) == 20
    assert held_out(rows) == held_out(backwards)
    assert held_out(rows) != held_out(rows, seed=1)


def test_splitting_again_replaces_the_split_and_a_share_of_zero_removes_it(tmp_path: Path) -> None:
    examples = [pair(f"Q{n}", "a", n + 1, split="validation" if n < 30 else "train") for n in range(60)]
    rows = stored(tmp_path / "v", examples)
    assert count(rows, Split(kind="random", share=0.1)).validation == 6
    assert count(rows, Split(kind="random", share=0)).validation == 0


def test_stratified_keeps_the_balance(tmp_path: Path) -> None:
    examples = [pair(f"Q{n}", "rare" if n % 10 == 0 else "common", n + 1) for n in range(200)]
    found = placed(Split(kind="stratified", share=0.2), stored(tmp_path / "v", examples))
    out = Counter(example.messages[-1].content for example, split in found if split == "validation")
    assert out == {"rare": 4, "common": 36}


@pytest.mark.parametrize("by", ["row", "input", "system", "answer"])
def test_groups_stay_together(tmp_path: Path, by: str) -> None:
    examples = [
        pair(f"Question {n % 25}?", f"Answer {n % 10}", n // 2 + 1, system=f"System {n % 8}") for n in range(100)
    ]
    found = placed(Split(kind="group", by=by, share=0.3), stored(tmp_path / "v", examples))  # type: ignore[arg-type]
    keys = {
        "row": lambda example: example.source_line,
        "input": lambda example: example.messages[1].content,
        "system": lambda example: example.messages[0].content,
        "answer": lambda example: example.messages[-1].content,
    }
    assert all(len(where) == 1 for where in sides(found, keys[by]).values())
    assert 0 < sum(split == "validation" for _, split in found) <= 30


def test_near_duplicates_stay_together(tmp_path: Path) -> None:
    long = "How do I change the delivery address of an order that I placed yesterday evening in the web shop number"
    examples = [pair(f"{long} {n // 2}{'?' * (n % 2)}", f"Answer {n // 2} in your account", n + 1) for n in range(4)]
    examples += [pair(f"Entirely unlike {n * 7919} {'xyzw'[n % 4] * 9}", f"No {n}", n + 9) for n in range(20)]
    found = placed(Split(kind="group", by="near", share=0.5), stored(tmp_path / "v", examples))
    assert found[0][1] == found[1][1]
    assert found[2][1] == found[3][1]


def test_a_group_that_is_too_large_is_an_error(tmp_path: Path) -> None:
    rows = stored(tmp_path / "v", [pair("same", f"Answer {n}", n + 1) for n in range(20)])
    with pytest.raises(DataError, match="No group is small enough"):
        list(Split(kind="group", by="input", share=0.2).apply(rows))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    numbers=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3), st.integers(0, 9)), min_size=4, max_size=60),
    kind=st.sampled_from(["random", "stratified", "group"]),
    by=st.sampled_from([name for name in GROUPINGS if name != "near"]),
    share=st.floats(0.05, 0.9),
    seed=st.integers(0, 99),
)
def test_equal_examples_are_never_on_both_sides(tmp_path: Path, numbers, kind, by, share, seed) -> None:
    rows = stored(tmp_path / "v", [pair(f"Q{q}", f"A{a}", line) for q, a, line in numbers])
    try:
        found = placed(Split(kind=kind, by=by, share=share, seed=seed), rows)
    except DataError:
        return
    assert all(len(where) == 1 for where in sides(found, lambda example: example.messages).values())
    assert len(found) == len(numbers)
    assert sum(split == "validation" for _, split in found) <= round(share * len(numbers))


def test_the_recommended_split_keeps_near_duplicates_together(tmp_path: Path) -> None:
    rows = stored(tmp_path / "v", near_pairs())
    for seed in range(5):
        found = placed(Split(share=0.3, seed=seed), rows)
        assert all(found[n][1] == found[n + 1][1] for n in range(0, 40, 2))
        assert 0 < sum(split == "validation" for _, split in found) <= 18
    apart = placed(Split(kind="random", share=0.3), rows)
    assert any(apart[n][1] != apart[n + 1][1] for n in range(0, 40, 2)), "the test could not tell them apart"


def near_pairs() -> list[Example]:
    """20 questions that each appear twice with another ending, and 20 that are unlike all others."""
    words = [f"word{n * 7919 % 1000} topic{n * 104729 % 997} item{n * 31 % 499}" for n in range(40)]
    long = [f"{word} {word[::-1]} and then {word.upper()} with {word.title()} or" for word in words]
    twice = [pair(f"{long[n // 2]} {'?' if n % 2 else '!'}", f"Answer {long[n // 2]}", n + 1) for n in range(40)]
    return [*twice, *(pair(text, f"Answer {text}", 100 + n) for n, text in enumerate(long[20:]))]
