"""The contract of targets, over every entry; and the other servers, which are facts of who else could serve a model."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.errors import Conflict, ProviderUnavailable
from core.models import base_models
from core.models.base_models.records import BaseModelRef
from core.models.methods import METHODS, build
from core.serving.targets import TARGETS, AnsweringTarget, Availability, ChatOptions, Target, target_for


@pytest.fixture(params=TARGETS.ids())
def target(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Target:
    monkeypatch.setenv("SFT_INFERENCE_PORT", "9")  # nothing listens on the discard port
    return TARGETS.get(request.param)


@pytest.fixture
def base(studio_env) -> BaseModelRef:
    """A base of a widely known architecture, which the studio did not build."""
    return replace(base_models.resolve("starter"), id="local:/models/widely-known")


def of(base: BaseModelRef, architecture: str) -> BaseModelRef:
    assert base.dims is not None
    return replace(base, dims=replace(base.dims, architecture=architecture) if architecture else None)


def verdicts(base: BaseModelRef, method: str) -> dict[str, Availability]:
    return {target.title: target.can_serve(base, build(method)) for target in TARGETS if target.id != "studio"}


def test_a_target_says_whether_it_can_serve_and_why(target: Target, base: BaseModelRef) -> None:
    for method in METHODS:
        assert target.can_serve(base, build(method.id)).reason
    assert target.can_serve(base, None).ok == (target.id == "studio")
    assert not target.can_serve(of(base, "BertModel"), build("lora")).ok


def test_a_target_that_is_down_says_so(target: Target) -> None:
    if not isinstance(target, AnsweringTarget):
        pytest.skip("models are published there; it answers nothing by itself")
    health = target.health()
    assert not health.ok
    assert health.reason
    target.warm_up()  # quiet
    with pytest.raises(ProviderUnavailable, match="is not responding"):
        list(target.chat("starter", [{"role": "user", "content": "hi"}], ChatOptions()))


def test_a_model_that_no_target_serves_is_refused_with_each_reason(base: BaseModelRef) -> None:
    assert target_for(base, None).id == "studio"
    with pytest.raises(Conflict, match="SFT Studio: Only causal language models"):
        target_for(of(base, "BertModel"), None)


def test_only_the_studio_serves_methods_that_cannot_be_merged(base: BaseModelRef) -> None:
    for method in ("prefix_tuning", "bottleneck_adapter"):
        assert [target.id for target in TARGETS if target.can_serve(base, build(method)).ok] == ["studio"]
        found = verdicts(base, method)
        assert list(found) == ["llama.cpp (this studio)", "llama-server", "Ollama", "vLLM"]
        assert not any(verdict.ok for verdict in found.values())
        assert all("cannot be merged" in verdict.reason for verdict in found.values())


def test_the_result_of_a_quantized_base_is_merged_and_served_unquantized(base: BaseModelRef) -> None:
    for architecture in ("LlamaForCausalLM", "Qwen2ForCausalLM"):
        found = verdicts(of(base, architecture), "qlora")
        assert all("unquantized base" in found[server].reason for server in ("Ollama", "vLLM"))


@pytest.mark.parametrize(
    ("architecture", "method", "ollama"),
    [
        ("LlamaForCausalLM", "lora", "As an adapter"),
        ("Gemma2ForCausalLM", "lora", "as complete safetensors"),
        ("Qwen2ForCausalLM", "lora", "After merging"),
        ("Qwen2ForCausalLM", "full", "As a complete GGUF file"),
        ("Qwen3ForCausalLM", "lora", "GGUF"),
        ("OddForCausalLM", "lora", "does not import"),
        ("", "lora", "Known once"),
    ],
)
def test_what_ollama_imports(base: BaseModelRef, architecture: str, method: str, ollama: str) -> None:
    assert ollama in verdicts(of(base, architecture), method)["Ollama"].reason


def test_the_starter_goes_everywhere_as_files_of_the_studio(studio_env) -> None:
    found = verdicts(base_models.resolve("starter"), "lora")
    assert [title for title, verdict in found.items() if not verdict.ok] == []
