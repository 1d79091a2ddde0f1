"""Rows, events and the one move."""

from __future__ import annotations

import threading

import pytest

from core.errors import InvalidTransition, LeaseLost, NotFound
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import store
from core.platform.tasks.states import STATES, TERMINAL, may_move


@pytest.mark.parametrize("origin", STATES)
@pytest.mark.parametrize("to", STATES)
def test_every_move_is_allowed_or_refused_as_the_table_says(studio_env, make_task, origin: str, to: str) -> None:
    task = make_task(state=origin)
    with UnitOfWork() as uow:
        if may_move(origin, to):
            moved = store.move(uow, task.id, to, reason="why")
            assert (moved.state, moved.reason) == (to, "why")
            uow.commit()
        else:
            with pytest.raises(InvalidTransition, match=f"is {origin}; it cannot change to {to}"):
                store.move(uow, task.id, to)
    assert store.get(task.id).state == (to if may_move(origin, to) else origin)


def test_a_move_keeps_the_row_consistent(database, make_task) -> None:
    task = make_task(state="running", lease_owner="w", lease_epoch=3, command="pause", command_at=1.0, crashes=2)
    with UnitOfWork() as uow:
        failed = store.move(uow, task.id, "failed", error={"message": "no"})
        uow.commit()
    assert (failed.lease_owner, failed.command, failed.command_at) == (None, "", None)
    assert failed.finished_at is not None
    with UnitOfWork() as uow:
        again = store.move(uow, task.id, "pending")
        uow.commit()
    assert (again.finished_at, again.error, again.crashes, again.lease_epoch) == (None, {}, 0, 3)


def test_a_move_with_an_old_epoch_is_refused(database, make_task) -> None:
    task = make_task(state="running", lease_owner="new", lease_epoch=2)
    with UnitOfWork() as uow, pytest.raises(LeaseLost):
        store.move(uow, task.id, "succeeded", epoch=1)
    assert store.get(task.id).state == "running"


def test_a_move_checks_the_expected_state(studio_env, make_task) -> None:
    task = make_task(state="running")
    with UnitOfWork() as uow, pytest.raises(InvalidTransition):
        store.move(uow, task.id, "failed", expect="pending")


def test_a_move_without_commit_did_not_happen(database, make_task) -> None:
    task = make_task()
    with UnitOfWork() as uow:
        store.move(uow, task.id, "running")
    assert store.get(task.id).state == "pending"


def test_of_many_who_end_a_task_at_once_one_succeeds(database, make_task) -> None:
    task = make_task(state="running")
    done: list[str] = []
    start = threading.Barrier(4)

    def end(to: str) -> None:
        start.wait()
        try:
            with UnitOfWork() as uow:
                store.move(uow, task.id, to)
                uow.commit()
            done.append(to)
        except InvalidTransition:
            pass

    threads = [threading.Thread(target=end, args=(to,)) for to in ("succeeded", "cancelled", "failed", "succeeded")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [store.get(task.id).state]
    ends = [event for event in store.events(task_id=task.id) if event.data.get("to") in TERMINAL]
    assert len(ends) == 1


def test_the_same_key_gives_the_same_task(database) -> None:
    def create() -> tuple[str, bool]:
        with UnitOfWork() as uow:
            task, created = store.create(uow, kind="conversion", title="", payload={}, idempotency_key="convert:d1")
            uow.commit()
        return task.id, created

    results: list[tuple[str, bool]] = []
    threads = [threading.Thread(target=lambda: results.append(create())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({task_id for task_id, _ in results}) == 1
    assert sorted(created for _, created in results) == [False, False, False, True]


def test_an_unknown_task_is_an_error(studio_env) -> None:
    with pytest.raises(NotFound, match="task_none"):
        store.get("task_none")


def test_find_filters_and_orders(studio_env, make_task) -> None:
    first = make_task(kind="starter")
    second = make_task(kind="training", after_task_id=first.id)
    make_task(kind="conversion", state="succeeded")
    assert [task.id for task in store.find(queue="gpu")] == [second.id, first.id]
    assert [task.id for task in store.find(after=first.id)] == [second.id]
    assert [task.kind for task in store.find(states=["succeeded"])] == ["conversion"]


def test_work_done_once_at_a_time_is_joined_and_created_again_after_its_end(database, make_task) -> None:
    def ask(**how: object) -> str:
        with UnitOfWork() as uow:
            task = store.create_or_join(uow, kind="starter", title="", payload={}, key="once", **how)
            uow.commit()
        return task.id

    first = ask()
    assert ask() == first
    with UnitOfWork() as uow:
        store.move(uow, first, "cancelled")
        uow.commit()
    assert ask(done=("succeeded",)) == first  # to be retried, not made anew
    second = ask()
    assert second != first
    assert ask() == second
