"""Equal keys are grouped alike, however many there are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from core.data.examples import groups
from tests.support.series import series


def by_hand(keys: list[int]) -> list[list[int]]:
    found: dict[int, list[int]] = {}
    for position, key in enumerate(keys):
        found.setdefault(key, []).append(position)
    return [group for group in found.values() if len(group) > 1]


@pytest.mark.parametrize("many", [1, 1_000])
@settings(max_examples=series(200), deadline=None)
@given(st.lists(st.sampled_from([3, -7, 0, 2**63 - 1, -(2**63), 5]), max_size=40))
def test_groups_are_those_of_a_dictionary(many: int, keys: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(groups, "_MANY", many)
        found = groups.groups_of(np.array(keys, np.int64))
    expected = by_hand(keys)
    assert list(found) == expected
    assert found[:2] == expected[:2]
    assert found.sizes.tolist() == [len(group) for group in expected]
    mask = np.arange(len(keys)) % 3 == 0
    assert found.counts(mask).tolist() == [sum(position % 3 == 0 for position in group) for group in expected]
    chosen = found.sizes > 2
    assert list(found.only(chosen)) == [group for group in expected if len(group) > 2]


@pytest.mark.parametrize("bits", [1, 4, 24])
@settings(max_examples=series(100), deadline=None)
@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(-40, 40), max_size=80))
def test_keys_that_share_their_low_bits_are_told_apart(bits: int, keys: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(groups, "_MOST_BITS", bits)
        assert list(groups.groups_of(np.array(keys, np.int64))) == by_hand(keys)


def test_many_groups_of_different_sizes() -> None:
    keys = np.random.default_rng(1).integers(0, 150_000, 300_000)
    found = groups.groups_of(keys)
    assert len(found) > 1 << 16
    assert list(found) == by_hand(keys.tolist())
