"""The OpenAI dialect against OpenAI's own description: every request, and every response of the recorded service."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.models.llm.base import Endpoint
from core.training.providers.hosted import HostedService
from core.training.providers.hosted_services import HOSTED_SERVICES
from core.training.providers.hosted_services.openai import DIALECT
from core.training.providers.hosted_wire.openai_shaped import OpenAiShaped
from tests.core.training.providers.test_hosted_services import BASES, INTENT, Talk
from tests.support.hosted.server import KEY, Call
from tests.support.hosted.services import OpenAiService
from tests.support.openai_cut import Contract
from tests.support.servers import free_port, wait_until

PRISM = "@stoplight/prism-cli@5"
Exchange = tuple[Call, int, Any]


class Recorded(OpenAiService):
    """Keeps what was asked and answered. A paused job is shown as queued: the description has no word for it."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        super().__init__()

    def _answer(self, call: Call):
        status, body, headers = super()._answer(call)
        if isinstance(body, dict) and body.get("status") == "paused":
            body = {**body, "status": "queued"}
        self.exchanges.append((call, status, body))
        return status, body, headers


@pytest.fixture
def server() -> Iterator[Recorded]:
    made = Recorded()
    yield made
    made.close()


def everything(talk: Talk, job_runs: Callable[[str], None], job_ends: Callable[[str], None]) -> None:
    """Everything that the dialect says to a service."""
    service, endpoint = talk.service, talk.endpoint
    service.check(endpoint)
    assert service.base_models(endpoint)
    file_id = talk.upload()
    talk.path.write_text(talk.path.read_text() + talk.path.read_text(), encoding="utf-8")
    in_parts = OpenAiShaped(DIALECT_IN_PARTS)
    validation = in_parts.upload(endpoint, talk.path, sha256=talk.sha256, earlier=file_id)
    asked = talk.run(training_file=file_id, validation_file=validation)
    job_id = service.submit(endpoint, asked)
    assert service.find(endpoint, INTENT) == job_id
    job_runs(job_id)
    service.act(endpoint, job_id, "pause")
    service.act(endpoint, job_id, "resume")
    assert service.points(endpoint, job_id)
    assert service.events(endpoint, job_id)
    job_ends(job_id)
    assert service.status(endpoint, job_id).model
    assert service.checkpoints(endpoint, job_id)
    assert service.points(endpoint, job_id)
    second = service.submit(endpoint, talk.run(training_file=file_id, hyperparameters={}, seed=None))
    service.act(endpoint, second, "cancel")


def in_parts() -> Any:
    from dataclasses import replace

    return replace(DIALECT, part_bytes=700)


DIALECT_IN_PARTS = in_parts()
OPENAI: HostedService = HOSTED_SERVICES.get("openai")


def test_every_request_and_response_is_as_described(real_data: Path, server: Recorded, tmp_path: Path) -> None:
    everything(Talk(OPENAI, server, tmp_path), server.run, server.finish)
    contract = Contract(real_data)
    found: list[str] = []
    for call, status, answer in server.exchanges:
        body = call.json if call.headers.get("content-type") == "application/json" else None
        form = set(call.form) | set(call.files)
        shown = answer if isinstance(answer, dict) else None
        found += contract.problems(call.method, call.path.removeprefix("/v1"), call.query, body, form, status, shown)
    assert sorted(set(found)) == []
    assert len({(call.method, call.path.rpartition("/")[2]) for call, _, _ in server.exchanges}) >= 12
    assert BASES["openai"]


def test_the_comparison_finds_what_differs(real_data: Path) -> None:
    contract = Contract(real_data)
    job = {"model": "m", "training_file": "f", "method": {"type": "supervised"}}
    assert contract.problems("POST", "/fine_tuning/jobs", {}, job, set(), 200, None) == []
    for changes in ({"model": 3}, {"suffix": "x" * 65}, {"method": {"type": "magic"}}):
        assert contract.problems("POST", "/fine_tuning/jobs", {}, {**job, **changes}, set(), 200, None)
    assert contract.problems("GET", "/fine_tuning/jobs", {"pages": "3"}, None, set(), 200, None)
    assert contract.problems("GET", "/fine_tuning/jobs", {"limit": "all"}, None, set(), 200, None)
    assert contract.problems("POST", "/files", {}, None, {"file"}, 200, None)
    assert contract.problems("GET", "/files/f", {}, None, set(), 200, {"id": "f"})
    assert contract.problems("GET", "/nothing", {}, None, set(), 200, None)


@pytest.fixture(scope="session")
def prism_binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prism from npm; skipped where Node or the package is not available."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("Node and npm are not installed.")
    folder = tmp_path_factory.mktemp("prism")
    (folder / "package.json").write_text('{"private": true}')
    install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", PRISM]
    if subprocess.run(install, cwd=folder, capture_output=True).returncode:
        pytest.skip(f"npm could not install {PRISM}.")
    return folder / "node_modules" / ".bin" / "prism"


@pytest.mark.slow
def test_prism_lets_every_request_and_response_pass(
    real_data: Path, server: Recorded, prism_binary: Path, tmp_path: Path
) -> None:
    import yaml

    from tests.support.openai_cut import cut

    description = tmp_path / "openai.yaml"
    description.write_text(yaml.safe_dump(cut(real_data), sort_keys=False), encoding="utf-8")
    port = free_port()
    command = [str(prism_binary), "proxy", str(description), server.url, "--errors", "--port", str(port)]
    log = (tmp_path / "prism.log").open("wb")
    process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)

    def ends(job_id: str) -> None:
        server.finish(job_id)
        server.jobs[job_id]["result_files"] = []  # described as JSON, and sent as CSV in base64

    try:
        wait_until(lambda: answers(port), 120, "Prism")
        talk = Talk(OPENAI, server, tmp_path)
        talk.endpoint = Endpoint(f"http://127.0.0.1:{port}", KEY, 60.0)
        everything(talk, server.run, ends)
        assert "violation" not in (tmp_path / "prism.log").read_text().lower()
        headers = {"Authorization": f"Bearer {KEY}"}
        wrong = httpx.post(
            f"http://127.0.0.1:{port}/fine_tuning/jobs", json={"model": 3}, headers=headers, trust_env=False
        )
        assert wrong.status_code == 422  # Prism does look
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)
        log.close()


def answers(port: int) -> bool:
    try:
        httpx.get(f"http://127.0.0.1:{port}/nothing", trust_env=False)
    except httpx.HTTPError:
        return False
    return True
