"""The OpenAI dialect against OpenAI's own description: every request, and every response of the recorded service."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
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
from tests.support.openai_cut import Contract, cut
from tests.support.servers import free_port, wait_until

ROOT = Path(__file__).parents[4]
PRISM = "@stoplight/prism-cli@5"
BINARY = Path("node_modules", ".bin", "prism")
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


@pytest.fixture(scope="module")
def contract(real_data: Path) -> Contract:
    return Contract(real_data)


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


DIALECT_IN_PARTS = replace(DIALECT, part_bytes=700)
OPENAI: HostedService = HOSTED_SERVICES.get("openai")


def test_every_request_and_response_is_as_described(contract: Contract, server: Recorded, tmp_path: Path) -> None:
    everything(Talk(OPENAI, server, tmp_path), server.run, server.finish)
    found: list[str] = []
    for call, status, answer in server.exchanges:
        body = call.json if call.headers.get("content-type") == "application/json" else None
        form = set(call.form) | set(call.files)
        shown = answer if isinstance(answer, dict) else None
        found += contract.problems(call.method, call.path.removeprefix("/v1"), call.query, body, form, status, shown)
    assert sorted(set(found)) == []
    assert len({(call.method, call.path.rpartition("/")[2]) for call, _, _ in server.exchanges}) >= 12
    assert BASES["openai"]


def test_the_comparison_finds_what_differs(contract: Contract) -> None:
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
    """Prism from npm, kept for the next runs; skipped where Node or the package is not available."""
    kept = ROOT / "build" / PRISM.replace("/", "_")
    if not (kept / BINARY).exists():
        if not (shutil.which("node") and shutil.which("npm")):
            pytest.skip("Node and npm are not installed.")
        folder = tmp_path_factory.mktemp("prism")
        (folder / "package.json").write_text('{"private": true}')
        install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", PRISM]
        if subprocess.run(install, cwd=folder, capture_output=True).returncode:
            pytest.skip(f"npm could not install {PRISM}.")
        kept.parent.mkdir(exist_ok=True)
        with contextlib.suppress(OSError):  # another run was first
            shutil.move(folder, kept)
    return kept / BINARY


@dataclass(frozen=True)
class Prism:
    """A running Prism in front of a recorded service."""

    url: str
    server: Recorded
    log: Path


@pytest.fixture(scope="module")
def prism(real_data: Path, prism_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prism]:
    """One process for the module: reading the description takes most of its time."""
    folder, server, port = tmp_path_factory.mktemp("prism"), Recorded(), free_port()
    description, log = folder / "openai.json", folder / "prism.log"
    description.write_text(json.dumps(cut(real_data)), encoding="utf-8")
    command = [str(prism_binary), "proxy", str(description), server.url, "--errors", "--port", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        wait_until(lambda: answers(port), 120, "Prism")
        yield Prism(f"http://127.0.0.1:{port}", server, log)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)
        server.close()


@pytest.mark.slow
def test_prism_lets_every_request_and_response_pass(prism: Prism, tmp_path: Path) -> None:
    def ends(job_id: str) -> None:
        prism.server.finish(job_id)
        prism.server.jobs[job_id]["result_files"] = []  # described as JSON, and sent as CSV in base64

    talk = Talk(OPENAI, prism.server, tmp_path)
    talk.endpoint = Endpoint(prism.url, KEY, 60.0)
    everything(talk, prism.server.run, ends)
    assert "violation" not in prism.log.read_text().lower()
    assert prism.server.violations == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "wrong", [{"model": 3}, {"training_file": "f"}, {"model": "m", "training_file": "f", "seed": "x"}]
)
def test_prism_refuses_what_is_not_described(prism: Prism, wrong: dict[str, Any]) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    refused = httpx.post(f"{prism.url}/fine_tuning/jobs", json=wrong, headers=headers, trust_env=False)
    assert refused.status_code == 422


def answers(port: int) -> bool:
    try:
        httpx.get(f"http://127.0.0.1:{port}/nothing", trust_env=False)
    except httpx.HTTPError:
        return False
    return True
