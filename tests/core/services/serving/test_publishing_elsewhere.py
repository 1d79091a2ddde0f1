"""Ollama, vLLM and llama-server: the real task against strict servers made from their published descriptions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.errors import ProviderUnavailable, SettingsError
from core.platform.tasks.records import TaskRecord
from core.services.platform import connections
from core.services.serving import publishing
from core.services.training import models
from core.serving.targets.base import AnswerChunk
from core.serving.targets.studio import Studio
from core.serving.targets.vllm import allowed_rank
from tests.support import llama_cpp, ollama_server, vllm_server
from tests.support.jobs import launch, make_dataset, succeed
from tests.support.random_model import make_adapter
from worker.run import execute


@pytest.fixture(autouse=True)
def studio(monkeypatch: pytest.MonkeyPatch) -> None:
    """The studio's own answer to everything."""

    def chat(self: Studio, *_: object) -> object:
        yield AnswerChunk("It is blue.")
        yield AnswerChunk("", "stop", 3, 4)

    monkeypatch.setattr(Studio, "chat", chat)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    base = llama_cpp.make_directory(folder / "base")
    make_adapter(base, folder / "adapter")
    return folder


@pytest.fixture
def model(studio_env: Path, trained: Path) -> models.ModelRecord:
    return succeed(launch(make_dataset(), f"local:{trained / 'base'}", name="Items – v1"), trained / "adapter")


def run(model: models.ModelRecord, target: str, url: str) -> TaskRecord:
    """Publish through a connection to `url`, with the merge where the route needs one."""
    kind = publishing.kind_of(target)
    known = [one for one in connections.list_connections() if one.kind == kind and one.base_url.rstrip("/") == url]
    saved = known[0] if known else connections.save(name=f"{target} {url}", kind=kind, base_url=url)
    task = publishing.begin(model.id, target, saved.id)
    for task_id in filter(None, (task.after_task_id, task.id)):
        ended = execute(task_id, "test:1")
    assert ended is not None
    return ended


def test_ollama_below_0_34_1_takes_the_adapter_beside_its_base(model: models.ModelRecord) -> None:
    with ollama_server.serving("0.33.0") as server:
        ended = run(model, "ollama", server.url)
        assert (ended.state, ended.error) == ("succeeded", {})
        body = server.models["items-v1"]
        assert list(body["files"]) == ["model.gguf"]
        assert list(body["adapters"]) == ["adapter.gguf"]
        assert (body["parameters"]["stop"], body["system"]) == (["<|im_end|>"], "")
        assert body["template"].startswith("{{ range .Messages }}")
        # a version, then each blob asked for before it is pushed, then the model
        assert server.log[:7] == [
            "GET /api/version", "GET /api/version", "HEAD blob", "POST blob", "HEAD blob", "POST blob",
            "POST /api/create",
        ]  # fmt: skip
        assert server.last_chat["options"] == {"temperature": 0.0, "num_predict": 96, "top_k": 1}
        (found,) = publishing.published(model.id)
        assert (found.smoke.summary, found.address) == ("All 5 answers equal the studio's.", server.url)
        run(model, "ollama", server.url)
        assert server.log.count("POST blob") == 2, "what the server has is not pushed again"
        publishing.retire(model.id, "ollama")
        assert server.models == {}


def test_ollama_from_0_34_1_takes_a_complete_gguf_file(model: models.ModelRecord) -> None:
    with ollama_server.serving("0.34.1") as server:
        server.says = "It is blue.<|im_end|>"
        ended = run(model, "ollama", server.url)
        assert (ended.state, ended.error) == ("succeeded", {})
        body = server.models["items-v1"]
        assert list(body["files"]) == ["model.gguf"]
        assert "adapters" not in body
        assert "quantize" not in body
        (found,) = publishing.published(model.id)
        assert "Complete GGUF file, f16 (Ollama 0.34.1)" in found.route
        assert found.smoke.first_difference is not None
        assert "stop token" in found.smoke.first_difference.cause
        server.models.clear()  # deleted there by someone else
        publishing.retire(model.id, "ollama")
        assert publishing.published(model.id) == []


def test_ollamas_refusal_is_shown_in_its_own_words(model: models.ModelRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ollama_server.Handler, "refused", lambda self, body: "the disk is full")
    with ollama_server.serving("0.33.0") as server:
        ended = run(model, "ollama", server.url)
    assert "Ollama refused the request (400): the disk is full" in ended.error["message"]
    assert publishing.published(model.id) == []


def test_vllm_loads_and_unloads_adapters_while_it_runs(model: models.ModelRecord) -> None:
    with vllm_server.serving() as server:
        for _ in range(2):  # published again, the adapter is loaded again
            ended = run(model, "vllm", server.url)
            assert (ended.state, ended.error) == ("succeeded", {})
        assert (Path(server.adapters["items-v1"]) / "adapter_model.safetensors").is_file()
        publishing.retire(model.id, "vllm")
        assert server.adapters == {}
    with vllm_server.serving(max_rank=8) as server:
        ended = run(model, "vllm", server.url)
        assert "LoRA rank 16 is greater than max_lora_rank 8" in ended.error["message"]


def test_vllm_that_cannot_load_adapters_gets_the_exact_command(model: models.ModelRecord) -> None:
    with vllm_server.serving(runtime=False) as server:
        ended = run(model, "vllm", server.url)
    assert "does not load adapters while it runs" in ended.error["message"]
    command = ended.error["remedy"]
    for part in (
        "VLLM_ALLOW_RUNTIME_LORA_UPDATING=True vllm serve", "--enable-lora --max-loras 4", "--max-lora-rank 16",
        "--lora-modules items-v1=",
    ):  # fmt: skip
        assert part in command


@pytest.mark.parametrize(("rank", "allowed"), [(1, 1), (2, 8), (16, 16), (33, 64), (129, 256), (400, 512)])
def test_a_rank_is_rounded_up_to_an_allowed_value(rank: int, allowed: int) -> None:
    assert allowed_rank(rank) == allowed


def test_a_llama_server_has_to_serve_the_models_files(model: models.ModelRecord) -> None:
    with vllm_server.serving(runtime=False) as server:  # the same endpoints
        ended = run(model, "llama_server", server.url)
        assert "does not serve “items-v1” yet" in ended.error["message"]
        assert "--lora" in ended.error["remedy"]
        assert "--alias items-v1" in ended.error["remedy"]
        server.models.append("items-v1")
        assert run(model, "llama_server", server.url).state == "succeeded"
    (found,) = publishing.published(model.id)
    assert found.smoke.equal == 5


def test_a_target_that_is_not_there_is_named(model: models.ModelRecord) -> None:
    saved = connections.save(name="Gone", kind="ollama", base_url="http://127.0.0.1:9")
    with pytest.raises(ProviderUnavailable, match=r"Ollama is not responding at http://127\.0\.0\.1:9"):
        publishing.begin(model.id, "ollama", saved.id)
    with pytest.raises(SettingsError, match="needs the address of a server"):
        publishing.begin(model.id, "ollama")


def test_a_chat_template_that_ollama_cannot_have_is_refused_first(
    model: models.ModelRecord, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "core.services.serving.publishing.publication.load_tokenizer",
        lambda *_: type("T", (), {"chat_template": "{{ messages | length }}", "special_tokens_map": {}}),
    )
    with ollama_server.serving("0.33.0") as server:
        saved = connections.save(name="Here", kind="ollama", base_url=server.url)
        with pytest.raises(SettingsError, match="chat template cannot be written for Ollama"):
            publishing.begin(model.id, "ollama", saved.id)
        assert json.dumps(server.log) == '["GET /api/version"]'
