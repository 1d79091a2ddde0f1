"""A new provider, target, server or kind of client is one file and one line: a dummy appears everywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.cli import main
from core.errors import InvalidTransition, SettingsError
from core.models.base_models.records import BaseModelRef
from core.models.llm import CLIENTS, Ask, Client, ClientKind, Completion, Endpoint
from core.models.methods import Method
from core.platform.db.uow import UnitOfWork
from core.platform.tasks.records import TaskRecord
from core.services.platform import connections, doctor, drafts
from core.services.serving import chat, model_files, publishing
from core.services.training import jobs
from core.serving.model_formats import MODEL_FORMATS
from core.serving.targets import TARGETS, AnswerChunk, Availability, ChatOptions, Target
from core.serving.targets.studio import Studio
from core.training.providers import PROVIDERS, Capabilities, Estimate, Provider, Workload
from core.training.providers.local import LocalProvider
from tests.support import runs
from tests.support.published import shelf
from tests.support.registry import registered
from tests.support.screens import open_page, words

ROWS = (
    (
        "a place where training runs (provider)",
        "core/training/providers/<id>.py",
        "core/training/providers/__init__.py: PROVIDERS.add(...)",
    ),
    (
        "a place where models are served (target)",
        "core/serving/targets/<id>.py",
        "core/serving/targets/__init__.py: TARGETS.add(...)",
    ),
    (
        "a format of model files",
        "core/serving/model_formats/<id>.py",
        "core/serving/model_formats/__init__.py: MODEL_FORMATS.add(...)",
    ),
    (
        "a client of language models",
        "core/models/llm/<id>.py",
        "core/models/llm/__init__.py: CLIENTS.add(...)",
    ),
    (
        "an evaluation metric",
        "core/serving/evaluation/<id>.py",
        "core/serving/evaluation/__init__.py: EVALUATION_METRICS.add(...)",
    ),
)


class Cluster(LocalProvider):
    """Trains LoRA elsewhere; cannot pause, stop early or report while it runs."""

    id = "cluster"
    title = "The cluster"
    text = "Trains on another machine."

    def __init__(self) -> None:
        self.calls: list[str] = []

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(methods=("lora",), pause=False, stop_and_keep=False, live_metrics=False)

    def estimate(self, load: Workload) -> Estimate:
        self.calls.append("estimate")
        here = super().estimate(load)
        return replace(here, disk=replace(here.disk, model_bytes=12))

    def create(self, uow: UnitOfWork, **choices: Any) -> tuple[TaskRecord, bool]:
        self.calls.append("create")
        return super().create(uow, **choices)

    def poll(self, task: TaskRecord) -> TaskRecord:
        return replace(task, message="Seen by the cluster")

    def request(self, task_id: str, action: str) -> TaskRecord:
        self.calls.append(action)
        return super().request(task_id, action)


@pytest.fixture
def cluster(studio_env: Path) -> Iterator[Cluster]:
    with registered(PROVIDERS, Cluster()) as entry:
        yield entry


def test_a_job_goes_through_its_provider(cluster: Cluster) -> None:
    data = runs.dataset()
    choices = {"dataset_id": data.id, "base_model": "starter", "provider": "cluster", "draft_key": None}
    with pytest.raises(SettingsError, match="does not train with full"):
        jobs.create(name="Job", method="full", **choices)
    job = jobs.create(name="Job", method="lora", **choices)
    assert cluster.calls == ["estimate", "create"]
    assert job.forecast["model_bytes"] == 12
    assert (job.provider_title, job.message) == ("The cluster", "Seen by the cluster")
    assert jobs.choices_of(job.id)["provider"] == "cluster"
    with pytest.raises(InvalidTransition, match="The cluster cannot pause a job"):
        jobs.request(job.id, "pause")
    assert jobs.request(job.id, "cancel").state == "cancelled"
    assert cluster.calls[-1] == "cancel"


def test_what_a_provider_cannot_do_is_not_offered(cluster: Cluster) -> None:
    data = runs.dataset()
    here = runs.launch(data, "Here")
    runs.begin(here, 2)
    there = jobs.create(
        name="There", dataset_id=data.id, base_model="starter", method="lora", provider="cluster", draft_key=None
    )
    assert {"pause", "stop", "cancel"} <= set(jobs.get_job(here.id).actions)
    assert jobs.get_job(there.id).actions == ("cancel",)
    assert "The cluster reports the curves when the job has ended." in [
        caption.value for caption in open_page("pages/training/job.py", id=there.id).caption
    ]


def test_the_new_job_and_the_command_line_offer_a_new_provider(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = {"dataset_id": runs.dataset().id, "provider": "cluster", "method": "lora"}
    draft = drafts.create("job", chosen, step="model")
    app = open_page("pages/training/new_job.py", draft=draft.id)
    (box,) = (item for item in app.selectbox if item.label == "Provider")
    assert box.options == ["Local", "The cluster"]
    assert main(["train", "--help"]) == 0
    assert "cluster" in capsys.readouterr().out


class Echo:
    """Serves LoRA models and repeats the question."""

    id = "echo"
    title = "Echo"

    def can_serve(self, base: BaseModelRef, method: Method | None) -> Availability:
        ok = method is not None and method.id == "lora"
        return Availability(ok, "It repeats the question." if ok else "Echo serves LoRA only.")

    def health(self) -> Availability:
        return Availability(True, "It hears itself.")

    def warm_up(self) -> None:
        return None

    def chat(self, model_id: str, messages: Sequence[Mapping[str, Any]], options: ChatOptions) -> Iterator[AnswerChunk]:
        yield AnswerChunk(f"{model_id}: {messages[-1]['content']}", "stop", 1, 1)


def test_a_new_target_answers_for_the_models_that_it_can_serve(
    studio_env: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Studio, "can_serve", lambda self, base, method: Availability(False, "The studio rests."))
    job = runs.launch(runs.dataset())
    model = runs.succeed(job, tmp_path / "adapter")
    with registered(TARGETS, Echo()):
        assert "".join(chat.stream(model.id, [{"role": "user", "content": "Hello?"}])) == f"{model.id}: Hello?"
        forecast = jobs.forecast(job.dataset_id, "starter", "lora")
        assert ("Echo", True) in [(place.target, place.ok) for place in forecast.serving]
        assert ("Echo", "It hears itself.") in [(check.name, check.found) for check in doctor.examine()]


def test_a_new_target_to_publish_to_is_offered(
    studio_env: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = runs.succeed(runs.launch(runs.dataset()), tmp_path / "adapter")
    with shelf(monkeypatch):
        assert ("shelf", True) in [(choice.id, choice.ok) for choice in publishing.targets(model)]
        app = open_page("pages/training/models.py", id=model.id)
        app.button(key=f"publish_{model.id}").click().run()
        assert "The shelf" in words(app)
        assert main(["models", "publish", model.name, "--targets"]) == 0
        assert "It takes adapters." in capsys.readouterr().out


def test_a_new_format_of_model_files_is_offered(studio_env: Path, tmp_path: Path) -> None:
    """The dummy's writer is the one of the adapter."""
    floppy = replace(MODEL_FORMATS.get("adapter"), id="floppy", title="Floppy disk")
    model = runs.succeed(runs.launch(runs.dataset()), tmp_path / "adapter")
    with registered(MODEL_FORMATS, floppy):
        assert "Floppy disk" in [choice.title for choice in model_files.choices(model)]
        assert model_files.download(model.id, "floppy").filename.endswith("-floppy.zip")
        app = open_page("pages/training/models.py", id=model.id)
        app.button(key=f"download_{model.id}").click().run()
        assert "Floppy disk" in words(app)


class Parrot:
    """A kind of client whose one model repeats what it is asked."""

    id = "parrot"
    title = "Parrot"
    text = "It repeats what it is asked."
    needs_url = True
    needs_key = False
    default_url = "http://127.0.0.1:9/"
    is_local = True
    bounds_text = False

    def open(self, endpoint: Endpoint) -> Client:
        return ParrotClient()


class ParrotClient:
    def models(self) -> list[str]:
        return ["polly"]

    def ask(self, ask: Ask) -> Completion:
        return Completion(ask.messages[-1]["content"], 1, 1)

    def close(self) -> None:
        return None


def test_a_new_kind_of_client_can_be_connected(studio_env: Path) -> None:
    kind: ClientKind = Parrot()
    with registered(CLIENTS, kind):
        assert "Parrot" in [offered.title for offered in connections.kinds()]
        saved = connections.save(name="Polly", kind="parrot", base_url="http://127.0.0.1:9/")
        assert connections.test(saved.id).models == ("polly",)
        client = connections.open_client(saved.id)
        assert client.ask(Ask("polly", ({"role": "user", "content": "Hello"},))).text == "Hello"
        assert "Polly" in words(open_page("pages/platform/settings.py"))


def test_the_dummies_keep_the_contracts() -> None:
    provider: Provider = Cluster()
    target: Target = Echo()
    assert (provider.id, target.id) == ("cluster", "echo")
