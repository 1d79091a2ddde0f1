"""One registry for every kind: entries in order, one error for a duplicate, one for an unknown id."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from core.errors import NotFound
from core.registry import Registry


@dataclass(frozen=True)
class Fruit:
    id: str


def test_entries_are_found_by_id_and_listed_in_order() -> None:
    fruits = Registry[Fruit]("fruit")
    pear, apple = fruits.add(Fruit("pear")), fruits.add(Fruit("apple"))
    assert fruits.get("apple") is apple
    assert fruits.ids() == ("pear", "apple")
    assert list(fruits) == [pear, apple]
    assert len(fruits) == 2
    assert "pear" in fruits
    assert "plum" not in fruits


def test_a_duplicate_id_is_refused_by_name() -> None:
    fruits = Registry[Fruit]("fruit")
    fruits.add(Fruit("pear"))
    with pytest.raises(ValueError, match="'fruit' with the id 'pear'"):
        fruits.add(Fruit("pear"))


@pytest.mark.parametrize("unknown", ["plum", "", None, ["pear"]])
def test_an_unknown_id_names_those_that_exist(unknown: str) -> None:
    fruits = Registry[Fruit]("fruit")
    fruits.add(Fruit("pear"))
    with pytest.raises(NotFound) as caught:
        fruits.get(unknown)
    assert str(caught.value) == f"Unknown fruit: {unknown!r}. Choose one of: pear."


def test_it_works_as_a_decorator_and_with_another_key() -> None:
    kinds = Registry[type[object]]("kind", key=lambda entry: entry.__name__)

    @kinds.add
    class Pear:
        pass

    assert kinds.get("Pear") is Pear
