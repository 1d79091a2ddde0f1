from __future__ import annotations

from pathlib import Path

import pytest

from core import base_models
from core.base_models.catalog import ALIASES, ENTRIES, HUB, unique
from core.base_models.light_tokenizer import load_tokenizer
from core.errors import DataError, NotFound
from core.messages import Message
from core.render import render, render_prompt
from tests.support.random_model import make_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "tiny")


def test_every_entry_resolves_or_names_its_command(studio_env: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(studio_env / "none"))
    for base in base_models.list_models():
        assert base.ready or base.buildable or base.command == f"hf download {base.id}"
        assert set(base.presets) >= {"lora", "full"}
        assert base_models.title_of(base.id) == base.title


def test_names_that_ollama_users_know_lead_to_weights() -> None:
    assert {"llama3.2", "llama2", "mistral", "phi", "gemma"} <= set(ALIASES)
    assert all(target in ENTRIES for target, _ in ALIASES.values())
    assert base_models.resolve("llama3.2:latest").id == "meta-llama/Llama-3.2-3B-Instruct"


def test_duplicate_ids_are_refused() -> None:
    with pytest.raises(ValueError, match="two base models"):
        unique((*HUB, HUB[0]))


def test_unknown_id_names_the_choices(studio_env: Path) -> None:
    with pytest.raises(NotFound, match="starter"):
        base_models.resolve("gpt-99")


def test_the_starter_is_known_before_it_is_built(studio_env: Path) -> None:
    starter = base_models.resolve("starter")
    assert starter.buildable
    assert not starter.ready
    assert 1_000_000 <= starter.params <= 4_000_000


def test_a_local_directory_is_a_base_model(model: Path) -> None:
    base = base_models.resolve(f"local:{model}")
    assert (base.ready, base.path, base.architecture) == (True, model, "LlamaForCausalLM")
    with pytest.raises(DataError, match="no directory"):
        base_models.resolve("local:/nowhere")


def test_a_snapshot_in_the_hub_cache_becomes_a_choice(
    studio_env: Path, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    repo = tmp_path / "models--Qwen--Qwen2.5-0.5B-Instruct"
    (repo / "refs").mkdir(parents=True)
    (repo / "refs" / "main").write_text("abc123")
    (repo / "snapshots").mkdir()
    (repo / "snapshots" / "abc123").symlink_to(model)
    base = base_models.resolve("qwen2.5:0.5b")
    assert (base.ready, base.revision, base.command) == (True, "abc123", "")


def test_directories_put_in_by_hand_are_listed_with_what_is_wrong(studio_env: Path, model: Path) -> None:
    root = base_models.named_directory()
    root.mkdir(parents=True)
    (root / "mine").symlink_to(model)
    (root / "broken").mkdir()
    found = {base.title: base for base in base_models.list_models()}
    assert found["mine"].ready
    assert not found["broken"].ready
    assert "config.json" in found["broken"].reason


CHATS = (
    [Message("system", "Be brief."), Message("user", "Hi é 😀"), Message("assistant", "Hello.")],
    [Message("user", "a"), Message("assistant", "b"), Message("user", "c"), Message("assistant", "d\n\ne")],
    [Message("user", "text with <|end|> in it"), Message("assistant", "fine")],
)


@pytest.mark.parametrize("messages", CHATS)
def test_light_tokenizer_renders_as_transformers_does(model: Path, messages: list[Message]) -> None:
    from transformers import AutoTokenizer

    light, heavy = load_tokenizer(model), AutoTokenizer.from_pretrained(model)
    assert render(messages, light) == render(messages, heavy)
    assert render_prompt(messages[:-1], light) == render_prompt(messages[:-1], heavy)
