from __future__ import annotations

from dataclasses import asdict

import pytest

from core.training.forecast.refusals import NAMED, NONE, Refusal, Refusals


def refused(count: int, *, mergeable: int) -> Refusals:
    return Refusals.of(Refusal(n, n + 2, n % 2 == 0, n < mergeable, "it refuses them: no") for n in range(count))


def test_the_first_are_named_and_all_are_counted() -> None:
    some = refused(3, mergeable=2)
    assert some.text == (
        "The base model's chat template does not accept 3 examples: example 1 (line 2), example 2 (line 3), example 3 "
        "(line 4). Example 1: it refuses them: no."
    )
    many = refused(30, mergeable=0)
    assert (many.count, many.train, len(many.first)) == (30, 15, NAMED)
    assert "example 5 (line 6) and 25 more." in many.text
    assert NONE.text == ""


@pytest.mark.parametrize(
    ("policy", "left_out", "says"),
    [
        (
            "stop",
            0,
            "The job will not start: leave them out (`--set on_refusal=leave_out`), or put the system text into",
        ),
        ("leave_out", 2, "They are left out."),
        ("merge_system", 1, "In 2 examples the system text goes into the first input; 1 example is left out."),
    ],
)
def test_what_becomes_of_them(policy: str, left_out: int, says: str) -> None:
    found = refused(3, mergeable=2)
    assert found.left_out(policy) == left_out
    assert found.consequence(policy).startswith(says)


def test_merging_is_offered_only_where_it_helps() -> None:
    assert "system text" not in refused(3, mergeable=0).consequence("stop")
    assert refused(2, mergeable=0).consequence("merge_system") == "2 examples are left out."


def test_saved_and_read_again() -> None:
    assert Refusals.from_dict(asdict(refused(3, mergeable=1))) == refused(3, mergeable=1)
