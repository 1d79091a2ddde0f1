"""Long lists in SQL: search, filters with their counts, sorts and pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event

from core.platform.db import migrate
from core.platform.db.engine import get_engine
from core.platform.db.listing import Facet, Listing, Sort, View, look_up, matching
from core.platform.db.tables import TASKS, BackgroundTask
from core.platform.db.uow import UnitOfWork

LISTING = Listing(
    key=TASKS.c.id,
    rows=TASKS,
    search=(TASKS.c.title, TASKS.c.message),
    sorts=(
        Sort("newest", "Newest first", TASKS.c.created_at, down=True),
        Sort("name", "Title, A to Z", TASKS.c.title),
        Sort("ended", "Last ended first", TASKS.c.finished_at, down=True),
    ),
    filters=(Facet("kind", "Kind", TASKS.c.kind), Facet("state", "State", TASKS.c.state)),
    archived=TASKS.c.archived_at.is_not(None),
    sums={"attempts": TASKS.c.attempt},
)


@pytest.fixture(autouse=True)
def tasks(studio_env: Path) -> None:
    migrate.upgrade()
    rows = (
        ("t1", "edit", "Edit Übung 100%", "failed", 1.0, None, None),
        ("t2", "edit", "Edit support", "succeeded", 2.0, 9.0, None),
        ("t3", "mix", "Mix support", "succeeded", 3.0, 8.0, None),
        ("t4", "mix", "Mix a_b", "failed", 4.0, 7.0, 50.0),
    )
    with UnitOfWork() as uow:
        for key, kind, title, state, created, finished, archived in rows:
            uow.session.add(
                BackgroundTask(
                    id=key, kind=kind, title=title, queue="cpu", state=state, created_at=created, finished_at=finished,
                    archived_at=archived, attempt=int(created),
                )
            )  # fmt: skip
        uow.commit()


def ids(**view: object) -> list[str]:
    return list(look_up(LISTING, View(**view)).ids)  # type: ignore[arg-type]


def test_the_newest_rows_that_are_not_archived_come_first() -> None:
    found = look_up(LISTING, View())
    assert found.ids == ("t3", "t2", "t1")
    assert (found.total, found.archived, found.every) == (3, 1, 4)
    assert found.sums == {"attempts": 6}


def test_archived_rows_are_a_list_of_their_own() -> None:
    found = look_up(LISTING, View(archived=True))
    assert found.ids == ("t4",)
    assert found.counts["state"] == {"failed": 1}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("support", ["t3", "t2"]),
        ("SUPPORT edit", ["t2"]),
        ("übung", ["t1"]),
        ("ÜBUNG", ["t1"]),
        ("100%", ["t1"]),
        ("%", ["t1"]),
        ("_", []),
        ("' OR 1=1 --", []),
        ("   ", ["t3", "t2", "t1"]),
        ("x" * 10_000, []),
    ],
)
def test_every_word_of_a_search_is_in_the_row(text: str, expected: list[str]) -> None:
    assert ids(search=text) == expected


def test_the_counts_of_a_filter_follow_the_others_and_not_itself() -> None:
    found = look_up(LISTING, View(chosen={"kind": "edit"}))
    assert found.ids == ("t2", "t1")
    assert found.counts["kind"] == {"edit": 2, "mix": 1}
    assert found.counts["state"] == {"failed": 1, "succeeded": 1}
    assert look_up(LISTING, View(search="nothing has this")).every == 4


def test_rows_without_a_value_come_last_and_unknown_orders_are_the_first_one() -> None:
    assert ids(sort="ended") == ["t2", "t3", "t1"]
    assert ids(sort="name") == ["t2", "t1", "t3"]
    assert ids(sort="no such order") == ids()
    assert ids(chosen={"no such filter": "x"}) == ids()
    assert ids(chosen={"kind": "no such kind"}) == []


def test_pages_are_cut_by_the_database_and_bounded() -> None:
    pages = [look_up(LISTING, View(per_page=2, page=page)) for page in (1, 2, 99, -5)]
    assert [page.ids for page in pages] == [("t3", "t2"), ("t1",), ("t1",), ("t3", "t2")]
    assert [page.page for page in pages] == [1, 2, 2, 1]
    assert matching(LISTING, View(per_page=2, chosen={"state": "succeeded"})) == ["t2", "t3"]


@pytest.fixture
def queries() -> Iterator[list[str]]:
    seen: list[str] = []

    def note(connection: object, cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(get_engine(), "before_cursor_execute", note)
    yield seen
    event.remove(get_engine(), "before_cursor_execute", note)


def test_a_page_takes_two_queries(queries: list[str]) -> None:
    look_up(LISTING, View(chosen={"state": "succeeded"}))
    assert len([query for query in queries if query.startswith("SELECT")]) == 2
