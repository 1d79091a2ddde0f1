"""Notices per person: whoever starts work is the one whom its notices concern, and a dead receiver delays no other."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from core.platform.tasks import store
from core.services.data import datasets, quality, sources
from core.services.platform import budgets, notices
from core.services.platform.notices import delivery
from core.services.serving import evaluating
from core.services.training import jobs
from tests.support import evaluations as planted
from tests.support.jobs import finish, make_dataset
from tests.support.notebook import connect, notebook, visit
from tests.support.receivers import Webhook, dead_receiver, mail_server, webhook
from worker import run


def deliver() -> list[str]:
    """The work of the reconciler and of the network worker once."""
    delivery.dispatch()
    ended = [run.execute(task.id, "w") for task in store.find(kind="notice", states=("pending", "running"))]
    return sorted(task.state for task in ended if task is not None)


def hook(received: Webhook, name: str, person: str = "") -> None:
    notices.save(name=name, service="webhook", address=f"http://127.0.0.1:{received.port}/in", person=person)


def upload(name: str, pairs: int = 12) -> str:
    """A file in a known chat shape; with too few examples, its dataset fails validation."""
    lines = [
        json.dumps({"messages": [
            {"role": "user", "content": f"What is {name} {number}?"},
            {"role": "assistant", "content": f"It is {number}."},
        ]})
        for number in range(pairs)
    ]  # fmt: skip
    return sources.ingest(io.BytesIO("\n".join(lines).encode()), f"{name}.jsonl").id


def test_a_job_a_dataset_and_an_evaluation_are_told_to_whoever_started_them(
    studio_env: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted.models(monkeypatch)
    with mail_server() as box, webhook() as of_grace, webhook() as of_all, dead_receiver() as dead:
        with budgets.acting("Ada"):
            notices.save(
                name="Ada", service="mail", person="Ada",
                mail=notices.MailServer("127.0.0.1", ["ada@example.com"], "studio@example.com", "none", box.port),
            )  # fmt: skip
            hook(of_grace, "Grace", "Grace")
            hook(of_all, "Studio")
            notices.save(name="Dead", service="webhook", address=f"http://127.0.0.1:{dead.port}/in")
            assert run.execute(datasets.create_from_source(upload("Few", 2), "Few").id, "w").state == "succeeded"
            colors = planted.dataset()
            evaluation = evaluating.start(["new"], colors.version.id)
            finish(evaluation.task_id)
        with budgets.acting("Grace"), notebook(tmp_path / "notebook.json") as service:
            job = jobs.create(
                dataset_id=make_dataset().id, draft_key=None, connection=connect().id, base_model="small",
                method="lora", name="Elsewhere",
            )  # fmt: skip
            visit(job.task_id)
            service.job(state="failed", word="broken", error="The service lost it.")
            assert visit(job.task_id).state == "failed"
        assert deliver() == ["running", "succeeded", "succeeded", "succeeded"]
    (failed,) = of_grace.titles
    assert "Elsewhere" in failed
    mails = [str(mail["Subject"]) for mail in box.mails]
    assert len(mails) == len(of_all.titles) - 1
    assert set(mails) == {title for title in of_all.titles if "Elsewhere" not in title}
    assert any("“Few” failed validation" in title for title in mails)
    assert any(evaluation.name in title for title in mails)
    assert len(dead.connections) == 1


def test_what_a_worker_starts_concerns_the_person_of_its_task(studio_env: Path) -> None:
    with budgets.acting("Ada"):
        task = datasets.create_from_source(upload("Tea"), "Tea")
    assert run.execute(task.id, "w").state == "succeeded"
    assert {each.person for each in store.find()} == {"Ada"}
    assert budgets.actor().person == ""


def test_the_same_work_of_two_people_is_done_once(studio_env: Path) -> None:
    data = make_dataset()
    with budgets.acting("Ada"):
        first = quality.start(data.id)
    with budgets.acting("Grace"):
        assert quality.start(data.id).id == first.id


def test_the_work_of_a_program_concerns_everyone(studio_env: Path) -> None:
    with budgets.acting("ci", program=True):
        assert datasets.create_from_source(upload("Tea"), "Tea").person == ""
