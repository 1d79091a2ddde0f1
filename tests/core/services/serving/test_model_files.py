"""A model as files: which formats it can have and why not, the archive with card and checksums, and what is refused."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from core.errors import Conflict, NotFound, SettingsError, StorageError
from core.platform.storage import get_storage
from core.services.serving import model_files
from core.services.training import models
from core.serving.model_formats import places
from tests.support.jobs import launch, make_dataset, succeed


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    directory = tmp_path / "adapter"
    directory.mkdir()
    (directory / "adapter_config.json").write_text("{}")
    (directory / "adapter_model.safetensors").write_bytes(b"weights" * 1000)
    return directory


def names(archive: zipfile.ZipFile) -> list[str]:
    return sorted(archive.namelist())


def test_the_adapter_is_a_zip_with_card_and_checksums(studio_env: Path, adapter: Path) -> None:
    model = succeed(launch(make_dataset(), name="Näme / with: signs"), adapter)
    found = model_files.download(model.id, "adapter")
    assert found.filename == "Näme---with--signs-adapter.zip"
    with zipfile.ZipFile(found.path) as archive:
        assert names(archive) == [
            "README.md", "SHA256SUMS", "adapter_config.json", "adapter_model.safetensors", "manifest.json",
        ]  # fmt: skip
        assert archive.read("adapter_model.safetensors") == b"weights" * 1000
        sums = dict(reversed(line.split("  ")) for line in archive.read("SHA256SUMS").decode().splitlines())
        for name, digest in sums.items():
            assert hashlib.sha256(archive.read(name)).hexdigest() == digest
        card = archive.read("README.md").decode()
    assert card.startswith("---\n")
    for part in ("library_name: peft", "Starter", "| rank |", "Items", "final loss", "built by SFT Studio"):
        assert part in card
    before = found.path.stat().st_mtime_ns
    assert model_files.download(model.id, "adapter").path.stat().st_mtime_ns == before
    models.set_notes(model.id, "Answers | like a pirate")
    with zipfile.ZipFile(model_files.download(model.id, "adapter").path) as archive:
        assert "like a pirate" in archive.read("README.md").decode()


def test_what_was_changed_or_deleted_is_noticed(studio_env: Path, adapter: Path) -> None:
    model = succeed(launch(make_dataset()), adapter)
    file = get_storage().local_path(f"{model.path}/adapter_model.safetensors")
    file.write_bytes(b"other")
    with pytest.raises(StorageError, match=r"adapter_model.safetensors of “.*” is damaged"):
        model_files.download(model.id, "adapter")
    get_storage().delete(model.path)
    with pytest.raises(StorageError, match="were deleted"):
        model_files.download(model.id, "adapter")
    assert not places.export_directory(model.id, "adapter").exists()


def test_every_format_is_possible_or_says_why_not(studio_env: Path, adapter: Path) -> None:
    model = succeed(launch(make_dataset()), adapter)
    found = {choice.id: choice for choice in model_files.choices(model)}
    assert {name for name, choice in found.items() if choice.ok} >= {
        "adapter", "safetensors", "adapter-gguf", "gguf-f16", "gguf-q8_0",
    }  # fmt: skip
    assert (found["adapter"].quick, found["gguf-f16"].needs_merge) == (True, True)
    assert "llama-quantize" in found["gguf-q4_k_m"].reason
    with pytest.raises(SettingsError, match="llama-quantize"):
        model_files.begin(model.id, "gguf-q4_k_m")
    with pytest.raises(NotFound, match="model format"):
        model_files.begin(model.id, "floppy")


@pytest.mark.parametrize(
    ("method", "settings", "format_id", "reason"),
    [
        ("prefix_tuning", {}, "safetensors", "cannot be merged"),
        ("prefix_tuning", {}, "adapter-gguf", "LoRA adapters only"),
        ("full", {}, "adapter", "complete model, which has no adapter"),
        ("lora", {"dora": True}, "adapter-gguf", "does not apply DoRA"),
    ],
)
def test_refused_formats_are_refused_by_name(
    studio_env: Path, adapter: Path, method: str, settings: dict[str, object], format_id: str, reason: str
) -> None:
    job = launch(make_dataset(), method=method, method_config=settings)
    model = succeed(job, adapter)
    choice = next(choice for choice in model_files.choices(model) if choice.id == format_id)
    assert not choice.ok
    assert reason in choice.reason
    with pytest.raises(SettingsError, match=reason):
        model_files.begin(model.id, format_id)


def test_a_complete_model_is_merged_first(studio_env: Path, adapter: Path) -> None:
    model = succeed(launch(make_dataset()), adapter)
    task = model_files.begin(model.id, "gguf-q8_0")
    assert model_files.begin(model.id, "gguf-q8_0").id == task.id
    assert task.after_task_id is not None
    assert model_files.running(model.id) == {"gguf-q8_0": task}
    with pytest.raises(Conflict, match="has not been written"):
        model_files.download(model.id, "gguf-q8_0")
    with pytest.raises(Conflict, match="in use by an unfinished task"):
        models.delete(model.id, model.name)


def test_exports_are_deleted_with_their_model(studio_env: Path, adapter: Path) -> None:
    model = succeed(launch(make_dataset()), adapter)
    found = model_files.download(model.id, "adapter")
    models.delete(model.id, model.name)
    assert not found.path.exists()
    assert not places.export_directory(model.id, "adapter").parent.exists()
