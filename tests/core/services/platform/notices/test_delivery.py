"""Notices arrive at real receivers, at least once; a dead receiver delays nothing else."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time

import pytest
from sqlalchemy import select, update

from core.platform.db.tables import NOTICE_DELIVERIES, NOTICE_TARGETS, NOTICES, TASKS
from core.platform.db.uow import UnitOfWork, read
from core.platform.notices import sending
from core.platform.tasks import recovery, store
from core.services.platform import news, notices
from core.services.platform.notices import delivery, inbox
from core.services.platform.notices.addresses import MailServer
from tests.support.receivers import dead_receiver, mail_server, webhook
from worker import reconcile, run


def tell(title: str = "“Support” finished", kind: str = "job_ended", **values: str) -> None:
    with UnitOfWork() as uow:
        notices.send(uow, kind, title, values.pop("text", ""), values.pop("link", ""), **values)
        uow.commit()


def hook(port: int, name: str = "Hook", **values: object) -> notices.TargetRecord:
    return notices.save(name=name, service="webhook", address=f"http://127.0.0.1:{port}/in", **values)


def work() -> list[str]:
    """Do the work of the reconciler and of the network worker once; returns the tasks' states."""
    delivery.dispatch()
    ended = [run.execute(task.id, "w") for task in store.find(kind="notice", states=("pending", "running"))]
    return [task.state for task in ended if task is not None]


def make_due() -> None:
    with UnitOfWork() as uow:
        uow.execute(update(TASKS).where(TASKS.c.kind == "notice").values(not_before=None))
        uow.commit()


def test_a_notice_arrives_by_mail_with_its_link(studio_env) -> None:
    with mail_server("s3cret-word") as box:
        mail = MailServer("127.0.0.1", ["ops@example.com"], "studio@example.com", "none", box.port, "u", "s3cret-word")
        target = notices.save(name="Operations", service="mail", mail=mail)
        tell("“Support” failed", "job_failed", text="Out of memory. <b>Choose</b> less.", link="job?id=job_1")
        assert work() == ["succeeded"]
    assert target.shown == "127.0.0.1 → ops@example.com"
    (mail,) = box.mails
    assert (mail["Subject"], mail["To"], mail["From"]) == ("“Support” failed", "ops@example.com", "studio@example.com")
    body = mail.get_body(("plain",)).get_content()
    assert "Out of memory. <b>Choose</b> less." in body
    assert "http://127.0.0.1:8501/job?id=job_1" in body


def test_a_notice_arrives_at_a_webhook_with_its_parameters(database: str) -> None:
    with webhook() as received:
        notices.save(name="Hook", service="webhook", address=f"http://127.0.0.1:{received.port}/a/b?token=t0p")
        tell()
        assert work() == ["succeeded"]
        assert work() == []
    assert received.lines == ["POST /a/b?token=t0p HTTP/1.1"]
    assert received.bodies[0]["title"] == "“Support” finished"
    assert received.bodies[0]["type"] == "success"


def test_a_target_receives_its_kinds_and_its_person_only(studio_env) -> None:
    with webhook() as received:
        hook(received.port, kinds=["job_failed", "budget_reached"], person="Ada")
        tell("of another kind")
        tell("of Ada", "job_failed", person="Ada")
        tell("of Grace", "job_failed", person="Grace")
        tell("of everyone", "budget_reached")
        work()
    assert received.titles == ["of Ada", "of everyone"]


def test_what_happened_before_a_target_existed_or_while_it_was_paused_is_not_delivered(studio_env) -> None:
    tell("before")
    with webhook() as received:
        target = hook(received.port)
        notices.set_enabled(target.id, False)
        tell("paused")
        work()
        notices.set_enabled(target.id, True)
        tell("now")
        work()
    assert received.titles == ["now"]


def test_a_failed_delivery_waits_longer_each_time_and_then_arrives(studio_env) -> None:
    with webhook() as received:
        received.status = 503
        target = hook(received.port)
        tell()
        waits = []
        for _ in range(3):
            assert work() == ["running"]
            waits.append(round(store.find(kind="notice")[0].not_before - time.time(), -1))
            make_due()
        failing = notices.get(target.id)
        assert (failing.failures, "HTTP status 503" in failing.error) == (3, True)
        received.status = 200
        assert work() == ["succeeded"]
    assert waits == sorted(waits)
    assert waits[0] < waits[2]
    assert (notices.get(target.id).failures, len(received.bodies)) == (0, 4)


def test_a_dead_receiver_delays_nothing_else(studio_env) -> None:
    with dead_receiver() as dead, webhook() as received:
        hook(dead.port, "A dead one")
        hook(received.port, "A live one")
        for number in range(3):
            tell(f"notice {number}")
        states = work()
        assert sorted(states) == ["running", "succeeded"]
        assert received.titles == ["notice 0", "notice 1", "notice 2"]
        assert len(dead.connections) == 1  # one attempt for all three
        tell("later")
        assert work() == ["succeeded"]  # the live one; the other is not due
        assert len(dead.connections) == 1
    waiting = store.find(kind="notice", states=("running",))
    assert [task.title for task in waiting] == ["Notices to A dead one"]
    assert "did not respond in time" in waiting[0].message


def test_after_many_failures_the_studio_itself_says_so_once(studio_env) -> None:
    with webhook() as received:
        received.status = 500
        hook(received.port, kinds=["job_ended"])
        tell()
        for _ in range(7):
            work()
            make_due()
    told = [notice.title for notice in inbox.newest() if notice.kind == "service_problem"]
    assert told == ["Notices to “Hook” cannot be delivered"]


def _work_on(task_id: str) -> None:
    os.setsid()
    run.execute(task_id, "w:1")


@pytest.mark.parametrize("seed", range(3))
def test_a_worker_killed_in_the_middle_of_a_delivery_loses_nothing(studio_env, seed: int) -> None:
    """Killed while the receiver holds its answer: nothing is marked as delivered, and all of it arrives later."""
    with webhook() as received:
        hook(received.port)
        for number in range(3):
            tell(f"notice {number}")
        delivery.dispatch()
        (task,) = store.find(kind="notice")
        worker = multiprocessing.get_context("spawn").Process(target=_work_on, args=(task.id,))
        worker.start()
        while len(received.bodies) < seed + 1:
            if len(received.bodies) == seed:
                received.hold.clear()
            time.sleep(0.005)
            assert worker.is_alive() or len(received.bodies) > seed
        os.kill(worker.pid, signal.SIGKILL)
        worker.join()
        received.hold.set()
        recovery.after_death(task.id, "w:1", "killed")
        while work() != []:
            make_due()
    assert set(received.titles) == {"notice 0", "notice 1", "notice 2"}
    assert store.get(task.id).state == "succeeded"
    assert len(read(select(NOTICE_DELIVERIES.c.id))) == 3


def test_the_reconciler_creates_the_tasks(studio_env, real_redis) -> None:
    with webhook() as received:
        hook(received.port)
        tell()
        reconcile.reconcile()
    assert [task.kind for task in store.find(states=("pending",))] == ["notice"]


def test_a_delivery_is_neither_a_toast_nor_a_notice_nor_listed(studio_env) -> None:
    from core.platform.db.listing import View
    from core.services.platform import task_list

    with webhook() as received:
        hook(received.port)
        tell()
        work()
    assert news.since(0).ended == ()
    assert len(inbox.newest()) == 1
    assert task_list.look_up(View())[1] == []


def test_deleting_a_target_forgets_its_address_and_its_waiting_notices(studio_env) -> None:
    with webhook() as received:
        received.status = 500
        target = hook(received.port)
        tell()
        work()
        assert list((studio_env / "keys").iterdir())
        notices.delete(target.id)
        make_due()
        assert work() == ["succeeded"]
    assert list((studio_env / "keys").iterdir()) == []
    assert read(select(NOTICE_TARGETS.c.id)) == []


def test_a_changed_address_is_tried_at_once(studio_env) -> None:
    with webhook() as received:
        received.status = 410
        target = hook(received.port)
        tell()
        work()
        assert store.find(kind="notice")[0].not_before
        received.status = 200
        notices.save(id=target.id, name="Hook", address=f"http://127.0.0.1:{received.port}/new")
        assert work() == ["succeeded"]
    assert received.lines[-1].startswith("POST /new")


def test_a_test_says_what_happened_and_what_to_do(studio_env) -> None:
    with webhook() as received:
        target = hook(received.port)
        assert notices.test(target.id).ok
        assert received.titles == ["SFT Studio: test"]
        received.status = 401
        wrong = notices.test(target.id)
    assert (wrong.ok, wrong.field) == (False, "address")
    assert "refused the password or token" in wrong.message
    assert notices.test(target.id).message == "Nothing accepts connections at this address."
    assert not notices.test_values(service="webhook", address="https://name.invalid/x").ok


def test_a_wrong_password_of_a_mail_server_is_named(studio_env) -> None:
    with mail_server("right") as box:
        mail = MailServer("127.0.0.1", ["a@example.com"], "b@example.com", "none", box.port, "user", "wrong")
        tested = notices.test_values(service="mail", mail=mail)
    assert not tested.ok
    assert "refused the password" in tested.message


def test_a_redirect_to_a_forbidden_address_is_refused() -> None:
    service = notices.NOTICE_SERVICES.get("webhook")
    for address in ("json://169.254.169.254/", "json://[fd00:ec2::254]/", "json://[::ffff:169.254.169.254]/"):
        attempts = list(sending.deliver(service, address, [sending.NoticeMessage("title", "body")]))
        assert [attempt.cause for attempt in attempts] == ["forbidden"], address


def test_old_notices_are_deleted_with_their_deliveries(studio_env) -> None:
    with webhook() as received:
        hook(received.port)
        tell("old")
        work()
        with UnitOfWork() as uow:
            uow.execute(update(NOTICES).values(created_at=time.time() - inbox.KEPT_S - 1))
            uow.commit()
        tell("new")
        delivery.dispatch()
    assert [notice.title for notice in inbox.newest()] == ["new"]
    assert read(select(NOTICE_DELIVERIES.c.id)) == []
