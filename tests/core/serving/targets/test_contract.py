"""The contracts of targets and providers, over every entry; and the facts of who else could serve a model."""

from __future__ import annotations

import pytest

from core.errors import NotFound, ProviderUnavailable
from core.models.methods import METHODS, build
from core.serving.targets import TARGETS, ChatOptions, Target, add as add_target, get_target
from core.serving.targets.servability import facts
from core.training.providers import PROVIDERS, add as add_provider, get_provider


@pytest.fixture(params=sorted(TARGETS))
def target(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Target:
    monkeypatch.setenv("SFT_INFERENCE_PORT", "9")  # nothing listens on the discard port
    return TARGETS[request.param]


def test_a_target_says_whether_it_can_serve_and_why(target: Target) -> None:
    for method in METHODS.ids():
        assert target.can_serve("LlamaForCausalLM", method).reason
    assert not target.can_serve("BertModel", "lora").ok


def test_a_target_that_is_down_says_so(target: Target) -> None:
    health = target.health()
    assert not health.ok
    assert health.reason
    target.warm_up()  # quiet
    with pytest.raises(ProviderUnavailable, match="does not answer"):
        list(target.chat("starter", [{"role": "user", "content": "hi"}], ChatOptions()))
    with pytest.raises(ProviderUnavailable):
        target.publish("starter")


def test_duplicate_and_unknown_ids(target: Target) -> None:
    with pytest.raises(ValueError, match="two targets"):
        add_target(target)
    with pytest.raises(NotFound, match="studio"):
        get_target("moon")


@pytest.mark.parametrize("provider_id", sorted(PROVIDERS))
def test_a_provider_keeps_its_contract(provider_id: str) -> None:
    provider = get_provider(provider_id)
    assert provider.id == provider_id
    assert provider.title
    assert provider.text
    assert provider.queue in ("gpu", "cpu", "io")
    assert set(provider.capabilities.methods) <= set(METHODS.ids())
    assert provider.cost(1_000_000) >= 0
    with pytest.raises(ValueError, match="two providers"):
        add_provider(provider)
    with pytest.raises(NotFound):
        get_provider("moon")


def test_prefixes_and_extra_layers_are_served_by_the_studio_alone() -> None:
    for method in (build("prefix_tuning"), build("bottleneck_adapter")):
        assert all(target.can_serve("LlamaForCausalLM", method.id).ok for target in TARGETS.values())
        found = facts("LlamaForCausalLM", adapter=True, mergeable=method.mergeable, gguf=method.gguf)
        assert [fact.target for fact in found] == ["Ollama", "vLLM", "llama.cpp (GGUF)"]
        assert not any(fact.ok for fact in found)
        assert all("cannot be merged" in fact.reason for fact in found)


def test_a_quantized_base_is_said_to_be_merged_into_and_served_unquantized() -> None:
    for architecture in ("LlamaForCausalLM", "Qwen2ForCausalLM"):
        found = facts(architecture, adapter=True, mergeable=True, gguf=True, quantized=True)
        assert all("unquantized base" in fact.reason for fact in found if fact.target in ("Ollama", "vLLM"))


@pytest.mark.parametrize(
    ("architecture", "adapter", "ollama"),
    [
        ("LlamaForCausalLM", True, "as it is"),
        ("Gemma2ForCausalLM", True, "as it is"),
        ("Qwen2ForCausalLM", True, "After merging"),
        ("Qwen2ForCausalLM", False, "whole model"),
        ("Qwen3ForCausalLM", True, "GGUF"),
        ("OddForCausalLM", True, "takes no"),
        ("", True, "Known once"),
    ],
)
def test_what_ollama_takes(architecture: str, adapter: bool, ollama: str) -> None:
    found = {fact.target: fact for fact in facts(architecture, adapter=adapter, mergeable=adapter, gguf=True)}
    assert ollama in found["Ollama"].reason
    assert set(found) == {"Ollama", "vLLM", "llama.cpp (GGUF)"}


def test_the_starters_own_tokenizer_is_no_converters_business() -> None:
    found = facts("LlamaForCausalLM", adapter=True, mergeable=True, gguf=True, own_tokenizer=True)
    assert [fact.target for fact in found if fact.ok] == ["vLLM"]
