"""Hosted services against servers with their recorded shapes: what each is sent, and how its answers are read."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import SettingsError
from core.models.llm.base import Endpoint
from core.models.llm.failures import LlmError
from core.models.methods import METHODS
from core.training.metrics import METRICS
from core.training.providers.hosted import DeployingService, HostedRun, HostedService
from core.training.providers.hosted_services import HOSTED_SERVICES
from core.training.providers.hosted_services.openai import DIALECT as OPENAI
from core.training.providers.hosted_wire.openai_shaped import OpenAiShaped
from tests.support.hosted import weights
from tests.support.hosted.fireworks import ACCOUNT, FireworksService
from tests.support.hosted.openai_shaped import OpenAiShapedService
from tests.support.hosted.server import KEY, Service, Trouble
from tests.support.hosted.services import AzureService, CrusoeService, NebiusService, OpenAiService, example
from tests.support.hosted.together import TogetherService

SERVERS: dict[str, type[Service]] = {
    "openai": OpenAiService,
    "azure": AzureService,
    "nebius": NebiusService,
    "crusoe": CrusoeService,
    "together": TogetherService,
    "fireworks": FireworksService,
    "custom": OpenAiShapedService,
}
BASES = {
    "openai": "gpt-4.1-mini-2025-04-14",
    "azure": "gpt-4.1-mini-2025-04-14",
    "nebius": "meta-llama/Llama-3.1-8B-Instruct",
    "crusoe": "model-qwen-1",
    "together": "Qwen/Qwen3-8B",
    "fireworks": "accounts/fireworks/models/qwen3-8b",
    "custom": "base-1",
}
NUMBERS = {
    "openai": {"n_epochs": 3, "batch_size": "auto", "learning_rate_multiplier": 0.5},
    "azure": {"n_epochs": 3, "trainingType": "GlobalStandard"},
    "nebius": {"n_epochs": 2, "learning_rate": 2e-5, "lora_r": 16},
    "crusoe": {"batch_size": "32", "lora_rank": "16", "learning_rate": 1e-4},
    "together": {"n_epochs": 2, "learning_rate": 2e-5, "lora_r": 16},
    "fireworks": {"epochs": 2, "learningRate": 1e-4, "loraRank": 16},
    "custom": {"n_epochs": 3},
}
INTENT = "intent-0123456789"


class Talk:
    """One service with its server, and a training file."""

    def __init__(self, service: HostedService, server: Service, folder: Path) -> None:
        self.service, self.server, self.folder = service, server, folder
        self.endpoint = Endpoint(server.url, KEY, 5.0)
        self.path = folder / "train.jsonl"
        self.path.write_text("\n".join(example(n) for n in range(12)) + "\n", encoding="utf-8")

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    def upload(self, earlier: str = "", **more) -> str:
        return self.service.upload(self.endpoint, self.path, sha256=self.sha256, earlier=earlier, **more)

    def run(self, **changes) -> HostedRun:
        run = HostedRun(
            INTENT,
            "Support answers",
            BASES[self.service.id],
            "lora",
            "",
            hyperparameters=NUMBERS[self.service.id],
            seed=7,
        )
        return replace(run, **changes)

    def submit(self, **changes) -> str:
        return self.service.submit(self.endpoint, self.run(training_file=self.upload(), **changes))


@pytest.fixture(params=sorted(SERVERS))
def talk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Talk]:
    yield from opened(request.param, tmp_path)


def opened(service_id: str, folder: Path) -> Iterator[Talk]:
    server = SERVERS[service_id]()
    talk = Talk(HOSTED_SERVICES.get(service_id), server, folder)
    yield talk
    server.close()
    assert server.violations == []


@pytest.fixture
def openai(tmp_path: Path) -> Iterator[Talk]:
    yield from opened("openai", tmp_path)


@pytest.fixture
def together(tmp_path: Path) -> Iterator[Talk]:
    yield from opened("together", tmp_path)


@pytest.fixture
def fireworks(tmp_path: Path) -> Iterator[Talk]:
    yield from opened("fireworks", tmp_path)


# --- every service


@pytest.mark.parametrize("service", list(HOSTED_SERVICES), ids=HOSTED_SERVICES.ids())
def test_a_service_describes_itself(service: HostedService) -> None:
    assert service.title
    assert service.text.endswith(".")
    assert service.default_url.startswith(("https://", "http://127.0.0.1"))
    assert set(service.capabilities.methods) <= set(METHODS.ids())
    names = [setting.name for setting in service.hyperparameters]
    assert len(set(names)) == len(names)
    for setting in service.hyperparameters:
        assert setting.auto == (setting.default == "auto")
        assert (setting.kind == "choice") == bool(setting.choices)
        assert setting.help.endswith(".")
    rates = [name for name in names if "rate" in name.lower() and "ratio" not in name and "multiplier" not in name]
    words = {setting.name: setting.help for setting in service.hyperparameters}
    assert all("not a multiplier" in words[name] for name in rates)


def test_the_one_that_closes_is_not_the_first_choice() -> None:
    assert HOSTED_SERVICES.get("openai").closes_on == "2027-01-06"
    assert "6 January 2027" in HOSTED_SERVICES.get("openai").text
    assert HOSTED_SERVICES.ids()[0] != "openai"


def test_a_job_from_its_file_to_its_end(talk: Talk) -> None:
    service, endpoint = talk.service, talk.endpoint
    service.check(endpoint)
    assert BASES[service.id] in [base.id for base in service.base_models(endpoint)]
    file_id = talk.upload()
    assert talk.upload() == talk.upload(earlier=file_id) == file_id
    assert service.find(endpoint, INTENT) == ""
    job_id = service.submit(endpoint, talk.run(training_file=file_id))
    assert service.find(endpoint, INTENT) == job_id
    assert service.find(endpoint, "another intent") == ""
    waiting = service.status(endpoint, job_id)
    assert (waiting.state, waiting.known, waiting.model) == ("queued", True, "")
    if service.id != "fireworks":
        talk.server.run(job_id)
        running = service.status(endpoint, job_id)
        assert (running.state, running.known) == ("running", True)
        points = service.points(endpoint, job_id)
        assert [point.step for point in points if point.split == "train"] == [1, 2, 3, 4, 5, 6]
        assert [point.step for point in points if point.split == "validation"][-1] == 6
        assert {name for point in points for name in point.measured} <= set(METRICS.ids())
        assert [point.step for point in service.points(endpoint, job_id, after=4)] == [5, 6, 6]
    talk.server.finish(job_id)
    done = service.status(endpoint, job_id)
    assert done.state == "succeeded"
    service.act(endpoint, job_id, "cancel")  # it has ended: not an error
    events = service.events(endpoint, job_id)
    assert events
    assert service.events(endpoint, job_id, after=events[-1].id) == []
    assert service.events(endpoint, job_id, after=events[0].id) == events[1:]
    into = talk.folder / "adapter"
    into.mkdir()
    assert service.fetch(endpoint, job_id, into) == service.capabilities.adapter
    if service.capabilities.adapter:
        assert {file.name: file.read_bytes() for file in into.iterdir()} == weights.files()
    assert isinstance(service, DeployingService) == service.capabilities.deploy
    assert bool(service.status(endpoint, job_id).model) != service.capabilities.deploy  # else it answers already


def test_held_out_examples_and_a_full_run_go_along(talk: Talk) -> None:
    training = talk.upload()
    talk.path.write_text("\n".join(example(n) for n in range(50, 62)) + "\n", encoding="utf-8")
    validation = talk.upload()
    method = "full" if "full" in talk.service.capabilities.methods else "lora"
    numbers = {} if method == "full" else NUMBERS[talk.service.id]
    asked = talk.run(training_file=training, validation_file=validation, method=method, hyperparameters=numbers)
    assert talk.service.submit(talk.endpoint, asked)
    sent = next(call for call in reversed(talk.server.calls) if call.method == "POST")
    assert validation in sent.raw.decode()
    if method == "full":
        assert '"lora":false' in sent.raw.decode() or '"type":"Full"' in sent.raw.decode()


def test_the_price_is_the_services_own_where_it_has_one(talk: Talk) -> None:
    price = talk.service.estimate_usd(talk.endpoint, talk.run(training_file=talk.upload()))
    assert (price is not None) == talk.service.capabilities.price_call
    assert price in (None, 1.25, 4.2)


def test_a_job_is_cancelled(talk: Talk) -> None:
    job_id = talk.submit()
    talk.service.act(talk.endpoint, job_id, "cancel")
    assert talk.service.status(talk.endpoint, job_id).state in ("cancelled", "running")


def test_what_is_refused_is_explained(talk: Talk) -> None:
    wrong = replace(talk.endpoint, key="wrong-key-0123456789")
    with pytest.raises(LlmError) as key:
        talk.service.check(wrong)
    assert key.value.cause == "key"
    assert "wrong-key" not in str(key.value)
    with pytest.raises(LlmError) as elsewhere:
        talk.service.check(replace(talk.endpoint, base_url=f"{talk.server.origin}/nothing/accounts/none"))
    assert elsewhere.value.cause == "not_offered"
    assert "does not offer fine-tuning" in elsewhere.value.message
    with pytest.raises(LlmError) as gone:
        talk.service.status(talk.endpoint, "job-that-vanished")
    assert (gone.value.cause, gone.value.retryable) == ("gone", False)
    with pytest.raises(SettingsError) as setting:
        talk.submit(hyperparameters={"speed": 3})
    assert setting.value.field == "speed"
    first = next(setting for setting in talk.service.hyperparameters if setting.kind == "int")
    with pytest.raises(SettingsError) as range_:
        talk.submit(hyperparameters={first.name: 10**9})
    assert range_.value.field == first.name


# --- misbehavior


def test_trouble_says_whether_a_retry_helps(talk: Talk) -> None:
    job_id = talk.submit()
    for trouble, cause, after_s in (
        (Trouble("GET", job_id, 429, {"Retry-After": "7"}), "rate_limited", 7.0),
        (Trouble("GET", job_id, 500), "server", None),
        (Trouble("GET", job_id, 503, body="<html>down</html>"), "server", None),
        (Trouble("GET", job_id, 200, body="<html>a page</html>"), "not_json", None),
        (Trouble("GET", job_id), "broken", None),
    ):
        talk.server.troubles.append(trouble)
        with pytest.raises(LlmError) as error:
            talk.service.status(talk.endpoint, job_id)
        assert (error.value.cause, error.value.retry_after_s) == (cause, after_s) or error.value.cause == "not_json"
        assert error.value.retryable
    assert talk.service.status(talk.endpoint, job_id).state == "queued"


def test_a_silent_service_ends_with_the_time_limit(talk: Talk) -> None:
    job_id = talk.submit()
    talk.server.troubles.append(Trouble("GET", job_id, 200, silent_s=1.0))
    with pytest.raises(LlmError) as error:
        talk.service.status(replace(talk.endpoint, timeout_s=0.2), job_id)
    assert (error.value.cause, error.value.retryable) == ("timeout", True)


def test_half_an_upload_is_no_file_and_the_next_attempt_completes_it(talk: Talk) -> None:
    path = r":upload$" if talk.service.id == "fireworks" else "files"
    talk.server.troubles.append(Trouble("POST", path, cut_at=200))
    with pytest.raises(LlmError) as error:
        talk.upload()
    assert error.value.retryable
    file_id = talk.upload()
    assert talk.service.submit(talk.endpoint, talk.run(training_file=file_id))


def test_an_answer_that_was_lost_makes_no_second_job(talk: Talk) -> None:
    asked = talk.run(training_file=talk.upload())
    talk.server.troubles.append(Trouble("POST", "(jobs|fine-tunes|Jobs)$", 502, after=True))
    with pytest.raises(LlmError) as error:
        talk.service.submit(talk.endpoint, asked)
    assert error.value.retryable
    job_id = talk.service.find(talk.endpoint, INTENT)
    assert job_id
    assert len(talk.server.jobs) == 1


def test_an_unknown_word_is_shown_and_nothing_new_is_fatal(talk: Talk) -> None:
    job_id = talk.submit()
    name = "state" if talk.service.id == "fireworks" else "status"
    talk.server.jobs[job_id][name] = "JOB_STATE_MELTING" if talk.service.id == "fireworks" else "melting"
    talk.server.jobs[job_id]["moon"] = {"phase": [1]}
    seen = talk.service.status(talk.endpoint, job_id)
    assert (seen.state, seen.known, seen.provider_status.lower()) == ("running", False, "melting")
    assert seen.extra["moon"] == {"phase": [1]}


# --- what only one has


def test_openai_is_asked_by_metadata_and_shows_its_dates(openai: Talk) -> None:
    job_id = openai.submit()
    assert openai.service.find(openai.endpoint, INTENT) == job_id
    assert openai.server.calls[-1].query["metadata[sft_intent]"] == INTENT
    dates = {base.id: base.shutdown_date for base in openai.service.base_models(openai.endpoint)}
    assert dates == {"gpt-4.1-mini-2025-04-14": "2027-01-14", "gpt-4o-mini-2024-07-18": "2027-01-14"}
    openai.server.run(job_id)
    openai.service.act(openai.endpoint, job_id, "pause")
    assert openai.service.status(openai.endpoint, job_id).state == "paused"
    openai.service.act(openai.endpoint, job_id, "pause")
    openai.service.act(openai.endpoint, job_id, "resume")
    assert openai.service.status(openai.endpoint, job_id).state == "running"
    openai.server.finish(job_id)
    (saved,) = openai.service.checkpoints(openai.endpoint, job_id)
    assert saved.measured == {"loss": 0.33, "validation_loss": 0.4}  # over all held-out examples
    assert saved.model.startswith("ft:gpt-4.1")


def test_an_account_without_access_is_told_so(openai: Talk) -> None:
    body = {"error": {"message": "not for you", "code": "training_not_available", "type": "invalid_request_error"}}
    file_id = openai.upload()
    for method, act in (
        ("GET", lambda: openai.service.check(openai.endpoint)),
        ("POST", lambda: openai.service.submit(openai.endpoint, openai.run(training_file=file_id))),
    ):
        openai.server.troubles.append(Trouble(method, "jobs$", 403, body=body))
        with pytest.raises(LlmError, match="training_not_available") as error:
            act()
        assert (error.value.cause, error.value.retryable, error.value.fatal) == ("not_offered", False, True)


def test_a_large_file_goes_in_parts_and_continues_after_a_break(tmp_path: Path) -> None:
    for talk in opened("openai", tmp_path):
        talk.service = OpenAiShaped(replace(OPENAI, part_bytes=400))
        talk.server.troubles.append(Trouble("POST", "/parts$", 500))
        talk.server.troubles.append(Trouble("POST", "/parts$", cut_at=100))
        for _ in range(2):
            with pytest.raises(LlmError):
                talk.upload()
        shares: list[float] = []
        file_id = talk.upload(beat=shares.append)
        assert talk.server.contents[file_id] == talk.path.read_bytes()
        assert shares[-1] == 1.0
        assert shares == sorted(shares)
        assert len(talk.server.uploads) == 1
        assert not talk.path.with_name("train.jsonl.upload").exists()
        assert talk.upload() == file_id


def test_an_upload_that_expired_begins_again(tmp_path: Path) -> None:
    for talk in opened("openai", tmp_path):
        talk.service = OpenAiShaped(replace(OPENAI, part_bytes=400))
        talk.server.troubles.append(Trouble("POST", "/complete$", 500))
        with pytest.raises(LlmError):
            talk.upload()
        talk.server.uploads["upload_1"]["status"] = "expired"
        with pytest.raises(LlmError) as gone:
            talk.upload()
        assert gone.value.cause == "gone"
        assert talk.server.contents[talk.upload()] == talk.path.read_bytes()


def test_a_file_that_changed_is_not_sent(openai: Talk) -> None:
    digest = openai.sha256
    openai.path.write_text("something else", encoding="utf-8")
    with pytest.raises(Exception, match="changed"):
        openai.service.upload(openai.endpoint, openai.path, sha256=digest)
    assert openai.server.files == {}


def test_a_damaged_adapter_is_not_kept(together: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = together.submit()
    together.server.finish(job_id)
    for name, data in (
        (weights.WEIGHTS, weights.files()[weights.WEIGHTS][:-8]),
        (weights.WEIGHTS, b"\x80\x04pickle"),
        (weights.CONFIG, b"[]"),
        (weights.CONFIG, b'{"r": 4}'),
    ):
        into = together.folder / hashlib.sha256(data).hexdigest()[:8]
        into.mkdir()
        archive = weights.tarred("tar", **{name: data, "../../evil.json": b"{}", "model.bin": b"x", "run.py": b"x"})
        monkeypatch.setattr(weights, "tarred", lambda archive=archive: archive)
        with pytest.raises(LlmError, match=re.escape(name)):
            together.service.fetch(together.endpoint, job_id, into)
        monkeypatch.undo()
        assert {file.name for file in into.iterdir()} <= {*weights.files(), "evil.json"}
        assert not (together.folder.parent / "evil.json").exists()


def test_a_redirect_to_storage_is_followed_without_the_key(together: Talk) -> None:
    job_id = together.submit()
    together.server.finish(job_id)
    together.server.redirects = True
    into = together.folder / "adapter"
    into.mkdir()
    assert together.service.fetch(together.endpoint, job_id, into)
    done = together.service.status(together.endpoint, job_id)
    assert done.usd == 4.1
    assert done.trained_tokens == 1234


@pytest.mark.parametrize(
    "target", ["http://10.0.0.1/x", "https://127.0.0.2:1/x", "https://169.254.169.254/x", "ftp://x/y"]
)
def test_a_redirect_into_the_network_is_refused(together: Talk, target: str) -> None:
    job_id = together.submit()
    together.server.finish(job_id)
    into = together.folder / "adapter"
    into.mkdir()
    together.server.troubles.append(Trouble("GET", "finetune/download", 302, {"Location": target}))
    with pytest.raises(LlmError) as refused:
        together.service.fetch(together.endpoint, job_id, into)
    assert refused.value.cause in ("redirect", "address")


def test_fireworks_reads_the_dataset_first_and_large_files_go_to_storage(
    fireworks: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.training.providers.hosted_services.fireworks._DIRECT_BYTES", 100)
    fireworks.server.ready_at_once = False
    dataset = fireworks.upload()
    assert fireworks.server.stored[dataset] == fireworks.path.read_bytes()
    with pytest.raises(LlmError) as early:
        fireworks.service.submit(fireworks.endpoint, fireworks.run(training_file=dataset))
    assert (early.value.retryable, early.value.retry_after_s) == (True, 10.0)
    fireworks.server.datasets[dataset]["state"] = "READY"
    job_id = fireworks.service.submit(fireworks.endpoint, fireworks.run(training_file=dataset))
    assert fireworks.service.submit(fireworks.endpoint, fireworks.run(training_file=dataset)) == job_id
    fireworks.server.finish(job_id)
    assert fireworks.service.status(fireworks.endpoint, job_id).usd == 3.5
    (base,) = fireworks.service.base_models(fireworks.endpoint)
    assert (base.shutdown_date, base.context_length) == ("2027-05-01", 40960)


def test_fireworks_needs_the_account_where_a_key_has_several(fireworks: Talk) -> None:
    fireworks.server.accounts.append({"name": "accounts/other"})
    with pytest.raises(LlmError, match="2 Fireworks accounts") as several:
        fireworks.service.check(fireworks.endpoint)
    assert several.value.cause == "address"
    fireworks.service.check(replace(fireworks.endpoint, base_url=f"{fireworks.server.origin}/v1/{ACCOUNT}"))


# --- a model that answers after a deployment


@pytest.fixture
def nebius(tmp_path: Path) -> Iterator[Talk]:
    yield from opened("nebius", tmp_path)


def deploying(talk: Talk) -> tuple[DeployingService, str, NebiusService]:
    assert isinstance(talk.service, DeployingService)
    assert isinstance(talk.server, NebiusService)
    return talk.service, talk.submit(), talk.server


def test_a_model_is_deployed_once_followed_and_retired(nebius: Talk) -> None:
    service, job_id, server = deploying(nebius)
    with pytest.raises(LlmError, match="no checkpoint"):
        service.deploy(nebius.endpoint, job_id, name="support")
    server.finish(job_id)
    made = service.deploy(nebius.endpoint, job_id, name="support")
    assert (made.name, made.state) == ("meta-llama/Llama-3.1-8B-Instruct-LoRa:support-abcd", "starting")
    assert service.deploy(nebius.endpoint, job_id, name="other").name == made.name  # not twice
    server.change("active")
    assert service.deployment(nebius.endpoint, made.name).state == "active"
    service.retire(nebius.endpoint, made.name)
    service.retire(nebius.endpoint, made.name)  # it is not there any more: not an error
    assert service.deployment(nebius.endpoint, made.name).state == "retired"
    assert service.deploy(nebius.endpoint, job_id, name="support").state == "starting"  # again
    assert len(server.seen("POST", "/v0/models")) == 2


def test_a_deployment_that_fails_says_why_and_can_be_tried_again(nebius: Talk) -> None:
    service, job_id, server = deploying(nebius)
    server.finish(job_id)
    name = service.deploy(nebius.endpoint, job_id, name="support").name
    server.change("error", "rank 256 is too high")
    failed = service.deployment(nebius.endpoint, name)
    assert (failed.state, failed.reason) == ("failed", "rank 256 is too high")
    server.change("polishing")
    unknown = service.deployment(nebius.endpoint, name)
    assert (unknown.state, unknown.known, unknown.provider_status) == ("starting", False, "polishing")
    server.change("error")
    service.deploy(nebius.endpoint, job_id, name="support")
    assert len(server.custom) == 2


def test_a_deployment_of_an_unknown_model_is_retired(nebius: Talk) -> None:
    service, _, _ = deploying(nebius)
    assert service.deployment(nebius.endpoint, "meta-llama/none").state == "retired"
    nebius.server.troubles.append(Trouble("GET", "v0/models", status=500))
    with pytest.raises(LlmError) as error:
        service.deployment(nebius.endpoint, "meta-llama/none")
    assert error.value.retryable
