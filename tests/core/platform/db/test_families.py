"""Lists whose items are families of rows, and filters of which a row has any number of values."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.platform.db.listing import Facet, Family, Listing, Sort, View, look_up, matching
from core.platform.db.tables import EVENTS, TASKS, BackgroundTask, FineTuningEvent
from core.platform.db.uow import UnitOfWork

LISTING = Listing(
    key=TASKS.c.id,
    rows=TASKS,
    search=(TASKS.c.title,),
    sorts=(
        Sort("newest", "Newest first", TASKS.c.created_at, down=True),
        Sort("name", "Title, A to Z", TASKS.c.title),
    ),
    filters=(
        Facet("kind", "Kind", TASKS.c.kind),
        Facet("word", "Word", EVENTS.c.message, among=EVENTS.c.task_id == TASKS.c.id),
    ),
    archived=TASKS.c.archived_at.is_not(None),
    sums={"attempts": TASKS.c.attempt},
    family=Family(TASKS.c.phase, TASKS.c.created_at),
)
ROWS = (
    # id, family, kind, title, created, archived, words
    ("t1", "a", "edit", "Old edit", 1.0, None, ("good",)),
    ("t2", "a", "mix", "New mix", 4.0, None, ("good", "live")),
    ("t3", "b", "edit", "Between", 2.0, None, ()),
    ("t4", "b", "edit", "Put away", 3.0, 50.0, ("live",)),
    ("t5", "c", "mix", "Away as well", 5.0, 50.0, ()),
)


@pytest.fixture(autouse=True)
def tasks(studio_env: Path) -> None:
    with UnitOfWork() as uow:
        for key, family, kind, title, created, archived, words in ROWS:
            facts = {"id": key, "phase": family, "kind": kind, "title": title, "archived_at": archived}
            uow.session.add(BackgroundTask(**facts, queue="cpu", created_at=created, attempt=int(created)))
            uow.session.flush()
            uow.session.add_all(FineTuningEvent(task_id=key, kind="log", message=word) for word in words)
        uow.commit()


def test_a_family_is_one_item_with_its_newest_row_first() -> None:
    found = look_up(LISTING, View())
    assert found.ids == ("a", "b")
    assert found.rows == {"a": ("t2", "t1"), "b": ("t3",)}
    assert (found.total, found.archived, found.every) == (2, 2, 3)
    assert found.sums == {"attempts": 1 + 4 + 2}


def test_a_family_is_counted_once_for_each_value_that_one_of_its_rows_has() -> None:
    found = look_up(LISTING, View())
    assert found.counts == {"kind": {"edit": 2, "mix": 1}, "word": {"good": 1, "live": 1}}
    of_kind = look_up(LISTING, View(chosen={"kind": "edit"}))
    assert (of_kind.ids, of_kind.rows["a"]) == (("b", "a"), ("t1",))
    assert of_kind.counts == {"kind": {"edit": 2, "mix": 1}, "word": {"good": 1}}


def test_a_row_has_any_number_of_values() -> None:
    found = look_up(LISTING, View(chosen={"word": "live"}))
    assert found.rows == {"a": ("t2",)}
    assert found.counts["word"] == {"good": 1, "live": 1}
    assert look_up(LISTING, View(chosen={"word": "live"}, archived=True)).rows == {"b": ("t4",)}
    assert look_up(LISTING, View(chosen={"word": "none such"})).total == 0


def test_a_search_finds_every_row_of_a_family() -> None:
    found = look_up(LISTING, View(search="OLD"))
    assert (found.total, found.rows, found.every) == (1, {"a": ("t1",)}, 3)


def test_a_family_has_the_place_of_its_first_row_and_pages_are_of_families() -> None:
    assert look_up(LISTING, View(sort="name")).ids == ("b", "a")
    pages = [look_up(LISTING, View(per_page=1, page=page)) for page in (1, 2, 9)]
    assert [page.ids for page in pages] == [("a",), ("b",), ("b",)]
    assert sorted(matching(LISTING, View(per_page=1))) == ["a", "b"]
    assert look_up(LISTING, View(archived=True)).ids == ("c", "b")
