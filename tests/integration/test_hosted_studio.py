"""Another SFT Studio as a training service: files, a job, its events and checkpoints, its adapter, over real HTTP."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.models.llm.base import Endpoint
from core.models.llm.failures import LlmError
from core.training.providers.hosted import HostedRun
from core.training.providers.hosted_services import HOSTED_SERVICES
from core.training.providers.hosted_services.sft_studio import DIALECT, SftStudio
from tests.support.second_studio import SecondStudio, second_studio
from tests.support.servers import wait_until

SERVICE = HOSTED_SERVICES.get("sft_studio")
LIMIT_S = 400.0


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory, starter: Path) -> Iterator[SecondStudio]:
    with second_studio(tmp_path_factory.mktemp("second") / "data", starter) as studio:
        yield studio


def training_file(folder: Path, count: int = 16, word: str = "blue") -> tuple[Path, str]:
    """A file and its checksum."""
    path = folder / f"codes {word}.jsonl"
    lines = [
        json.dumps({"messages": [
            {"role": "user", "content": f"What is the code of item {n}?"},
            {"role": "assistant", "content": f"The code of item {n} is {word}-{n}."},
        ]})
        for n in range(count)
    ]  # fmt: skip
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def files(other: SecondStudio) -> list[dict]:
    return other.api("GET", "/v1/files").json()["data"]


def run(file_id: str, intent: str, **settings: object) -> HostedRun:
    return HostedRun(intent, "Codes of items", "starter", "lora", file_id, hyperparameters=settings, seed=1)


def test_the_connection_is_checked_and_its_base_models_are_listed(other: SecondStudio) -> None:
    SERVICE.check(other.endpoint)
    assert "starter" in [base.id for base in SERVICE.base_models(other.endpoint)]
    with pytest.raises(LlmError) as refused:
        SERVICE.check(replace(other.endpoint, key="sft_wrongwro_ng"))
    assert refused.value.cause == "key"
    web = other.studio.url
    with pytest.raises(LlmError) as elsewhere:
        SERVICE.check(Endpoint(f"{web}/v1", "", 30.0))
    assert elsewhere.value.cause in ("not_offered", "not_json")


def test_a_file_is_sent_once_and_in_parts_and_continued(other: SecondStudio, tmp_path: Path) -> None:
    path, digest = training_file(tmp_path)
    first = SERVICE.upload(other.endpoint, path, sha256=digest)
    assert other.api("GET", f"/v1/files/{first}/content").content == path.read_bytes()
    assert SERVICE.upload(other.endpoint, path, sha256=digest, earlier=first) == first
    assert SERVICE.upload(other.endpoint, path, sha256=digest) == first
    assert SERVICE.upload(other.endpoint, path, sha256=digest, earlier="src_none") == first
    assert len(files(other)) == 1

    in_parts = SftStudio(replace(DIALECT, part_bytes=1_000))
    path, digest = training_file(tmp_path, 30, "green")
    shares: list[float] = []

    def stop_half_way(share: float) -> None:
        shares.append(share)
        if share > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        in_parts.upload(other.endpoint, path, sha256=digest, beat=stop_half_way)
    sent_before = len(shares) - 1
    shares.clear()
    done = in_parts.upload(other.endpoint, path, sha256=digest, beat=shares.append)
    assert len(shares) == -(-path.stat().st_size // 1_000) - sent_before  # what had arrived was not sent again
    assert other.api("GET", f"/v1/files/{done}/content").content == path.read_bytes()
    assert not path.with_name(f"{path.name}.upload").exists()
    assert in_parts.upload(other.endpoint, path, sha256=digest) == done


def test_a_job_is_submitted_once_followed_to_its_end_and_its_adapter_fetched(
    other: SecondStudio, tmp_path: Path
) -> None:
    path, digest = training_file(tmp_path)
    file_id = SERVICE.upload(other.endpoint, path, sha256=digest)
    asked = run(file_id, "intent-of-a-job-1", n_epochs=6, batch_size=4)
    assert SERVICE.find(other.endpoint, asked.intent) == ""
    job_id = SERVICE.submit(other.endpoint, asked)
    assert SERVICE.submit(other.endpoint, asked) == job_id  # the same intent, the same job
    assert SERVICE.find(other.endpoint, asked.intent) == job_id
    assert SERVICE.find(other.endpoint, "intent-of-a-job-2") == ""

    wait_until(lambda: SERVICE.status(other.endpoint, job_id).state == "succeeded", LIMIT_S, "the job")
    done = SERVICE.status(other.endpoint, job_id)
    assert (done.provider_status, done.known, done.progress) == ("succeeded", True, 1.0)
    assert done.model
    assert done.trained_tokens

    events = SERVICE.events(other.endpoint, job_id)
    assert [event.created_at for event in events] == sorted(event.created_at for event in events)
    assert SERVICE.events(other.endpoint, job_id, after=events[2].id) == events[3:]
    points = SERVICE.points(other.endpoint, job_id)
    train = [point for point in points if point.split == "train"]
    assert [point.step for point in train] == sorted({point.step for point in train})
    assert train[-1].measured["loss"] < train[0].measured["loss"]
    assert {"token_accuracy", "learning_rate"} <= set(train[-1].measured)
    last = train[-1].step
    assert all(point.step > last - 2 for point in SERVICE.points(other.endpoint, job_id, after=last - 2))
    (saved,) = SERVICE.checkpoints(other.endpoint, job_id)
    assert saved.model == done.model
    assert saved.step > 0

    shares: list[float] = []
    into = tmp_path / "adapter"
    into.mkdir()
    assert SERVICE.fetch(other.endpoint, job_id, into, beat=shares.append)
    assert {"adapter_config.json", "adapter_model.safetensors", "SHA256SUMS"} <= {file.name for file in into.iterdir()}
    assert shares
    weights = hashlib.sha256((into / "adapter_model.safetensors").read_bytes()).hexdigest()
    assert weights in (into / "SHA256SUMS").read_text()
    SERVICE.act(other.endpoint, job_id, "cancel")  # it has ended: not an error


def test_a_job_is_cancelled_and_one_that_is_unknown_is_gone(other: SecondStudio, tmp_path: Path) -> None:
    path, digest = training_file(tmp_path, word="red")
    file_id = SERVICE.upload(other.endpoint, path, sha256=digest)
    job_id = SERVICE.submit(other.endpoint, run(file_id, "intent-to-cancel", n_epochs=900))
    SERVICE.act(other.endpoint, job_id, "cancel")
    wait_until(lambda: SERVICE.status(other.endpoint, job_id).state == "cancelled", LIMIT_S, "the cancel")
    into = tmp_path / "nothing"
    into.mkdir()
    assert SERVICE.fetch(other.endpoint, job_id, into) is False
    for missing in ("job_none", "../../etc/passwd"):
        with pytest.raises(LlmError) as gone:
            SERVICE.status(other.endpoint, missing)
        assert gone.value.cause == "gone"


def test_a_job_that_the_studio_refuses_says_why(other: SecondStudio, tmp_path: Path) -> None:
    path, digest = training_file(tmp_path)
    file_id = SERVICE.upload(other.endpoint, path, sha256=digest)
    wrong = replace(run(file_id, "intent-wrong"), base_model="gpt-4o")
    with pytest.raises(LlmError, match="gpt-4o") as refused:
        SERVICE.submit(other.endpoint, wrong)
    assert not refused.value.retryable
    assert SERVICE.find(other.endpoint, wrong.intent) == ""
