"""A notice is a row of the transaction in which its occasion happens."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from core.errors import NotFound
from core.platform.db.tables import NOTICES
from core.platform.db.uow import UnitOfWork, read
from core.platform.notices import outbox
from core.platform.notices.kinds import NOTICE_KINDS
from core.platform.tasks import recovery, store
from core.platform.tasks.kinds import KINDS
from core.platform.tasks.lease import acquire


def written() -> list[tuple[str, str, str]]:
    return [
        (row.kind, row.title, row.link)
        for row in read(select(NOTICES.c.kind, NOTICES.c.title, NOTICES.c.link).order_by(NOTICES.c.id))
    ]


def task(kind: str, **payload: str) -> str:
    with UnitOfWork() as uow:
        made, _ = store.create(uow, kind=kind, title="Support", payload=payload)
        uow.commit()
    return made.id


def end(task_id: str, state: str, **values: object) -> None:
    with UnitOfWork() as uow:
        for to in ("running", state):
            store.move(uow, task_id, to, **(values if to == state else {}))
        uow.commit()


def test_a_notice_is_written_with_the_commit_and_not_without_it(database: str) -> None:
    with UnitOfWork() as uow:
        outbox.send(uow, "budget_reached", "Budget reached")
    assert written() == []
    with UnitOfWork() as uow:
        outbox.send(uow, "budget_reached", "Budget reached", link="settings")
        uow.commit()
    assert written() == [("budget_reached", "Budget reached", "settings")]


def test_the_same_occasion_is_written_once(database: str) -> None:
    with UnitOfWork() as uow:
        for _ in range(3):
            outbox.send(uow, "budget_warning", "80 %", once="budget:2026-11:80")
            outbox.send(uow, "job_ended", "finished")
        uow.commit()
    assert [kind for kind, _, _ in written()].count("budget_warning") == 1
    assert len(written()) == 4


def test_an_unknown_kind_is_refused_with_the_known_ones(database: str) -> None:
    with UnitOfWork() as uow, pytest.raises(NotFound, match="job_ended"):
        outbox.send(uow, "nothing", "What?")


def test_long_texts_are_cut(database: str) -> None:
    with UnitOfWork() as uow:
        outbox.send(uow, "job_failed", "t" * 5_000, "x" * 50_000)
        uow.commit()
        row = uow.execute(select(NOTICES.c.title, NOTICES.c.text)).one()
    assert (len(row.title), len(row.text)) == (outbox.LONGEST_TITLE, outbox.LONGEST_TEXT)


def test_a_finished_and_a_failed_training_are_noticed_with_their_screens(database: str) -> None:
    end(task("training", job_id="job_1"), "succeeded")
    error = {"message": "The computer ran out of memory.", "remedy": "Choose a smaller batch."}
    end(task("training", job_id="job_2"), "failed", error=error)
    assert written() == [
        ("job_ended", "“Support” finished", "job?id=job_1"),
        ("job_failed", "“Support” failed", "job?id=job_2"),
    ]
    with UnitOfWork(write=False) as uow:
        texts = uow.execute(select(NOTICES.c.text).order_by(NOTICES.c.id)).scalars().all()
    assert texts == ["Training.", "The computer ran out of memory. Choose a smaller batch."]


def test_a_cancelled_task_and_housekeeping_are_not_noticed(database: str) -> None:
    end(task("training", job_id="job_1"), "cancelled")
    end(task("quality", dataset_id="ds_1"), "succeeded")
    assert written() == []


def test_a_lost_worker_is_noticed_once_for_each_crash(database: str) -> None:
    task_id = task("training", job_id="job_1")
    acquire(task_id, "gone:1")
    recovery.after_death(task_id, "gone:1", "killed")
    recovery.after_death(task_id, "gone:1", "killed")
    assert written() == [("worker_lost", "A worker was lost while it worked on “Support”", "job?id=job_1")]


def test_whoever_started_a_task_is_the_one_whom_its_notice_concerns(database: str) -> None:
    end(task("training", job_id="job_1", person="Ada"), "succeeded")
    assert read(select(NOTICES.c.person))[0].person == "Ada"


def test_every_kind_has_a_title_an_icon_and_a_level() -> None:
    assert all(kind.title and kind.icon and kind.level for kind in NOTICE_KINDS)
    assert any(kind.noticed for kind in KINDS)
