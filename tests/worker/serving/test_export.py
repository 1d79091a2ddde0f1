"""Exports as background tasks, read by those who use them: llama.cpp, and plain transformers."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from core.errors import SettingsError
from core.services.platform import tasks
from core.services.serving import model_files
from core.services.training import models
from core.serving.model_formats import places
from tests.support import llama_cpp
from tests.support.jobs import launch, make_dataset, succeed
from tests.support.random_model import make_adapter
from worker.run import execute


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return llama_cpp.make_directory(tmp_path / "base")


@pytest.fixture
def tuned(studio_env: Path, base: Path, tmp_path: Path) -> models.ModelRecord:
    return succeed(launch(make_dataset(), f"local:{base}", name="Tuned"), make_adapter(base, tmp_path / "adapter"))


def run(model_id: str, format_id: str) -> Path:
    """The directory of a format, written by its tasks."""
    task = model_files.begin(model_id, format_id)
    for task_id in filter(None, (task.after_task_id, task.id)):
        ended = execute(task_id, "test:1")
        assert ended is not None
        assert (ended.state, ended.error) == ("succeeded", {})
    return places.export_directory(model_id, format_id)


def test_complete_models_answer_as_the_adapter_does(tuned: models.ModelRecord, base: Path, tmp_path: Path) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    safetensors, gguf = run(tuned.id, "safetensors"), run(tuned.id, "gguf-f16")
    peft = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), tmp_path / "adapter"
    )
    plain = AutoModelForCausalLM.from_pretrained(safetensors, dtype=torch.float32)
    ids = AutoTokenizer.from_pretrained(safetensors)("Where is my order?")["input_ids"]
    with torch.no_grad():
        expected, merged = (model(torch.tensor([ids])).logits for model in (peft, plain))
    torch.testing.assert_close(merged, expected, atol=1e-3, rtol=1e-4)
    with llama_cpp.serving(gguf / "model-f16.gguf") as client:
        answer, probs = llama_cpp.letters(client, ids, 12)
        prompt = client.post("/apply-template", json={"messages": [{"role": "user", "content": "Hi"}]}).json()["prompt"]
    assert probs == pytest.approx(llama_cpp.logprobs(peft, ids, answer), abs=0.1)
    assert prompt == "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    with zipfile.ZipFile(model_files.download(tuned.id, "gguf-f16").path) as archive:
        assert sorted(archive.namelist()) == ["README.md", "SHA256SUMS", "generation_config.json", "model-f16.gguf"]


def test_the_adapter_alone_is_small_and_needs_its_base(tuned: models.ModelRecord, base: Path) -> None:
    directory = run(tuned.id, "adapter-gguf")
    assert (directory / "adapter.gguf").stat().st_size < tuned.size_bytes
    shutil.rmtree(directory)
    task = model_files.begin(tuned.id, "adapter-gguf")
    shutil.rmtree(base)
    ended = execute(task.id, "test:1")
    assert ended is not None
    assert ended.state == "failed"
    assert "Needs the base model on this machine. There is no directory" in ended.error["message"]
    with pytest.raises(SettingsError, match="Possible formats: adapter"):
        model_files.begin(tuned.id, "adapter-gguf")
    assert model_files.download(tuned.id, "adapter").size_bytes > 0


def test_a_quantizer_on_the_path_makes_q4_k_m_possible(
    tuned: models.ModelRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script stands for llama.cpp's quantizer: it copies, or fails."""
    script = tmp_path / "bin" / "llama-quantize"
    script.parent.mkdir()
    script.write_text('#!/bin/sh\ntest "$3" = Q4_K_M && cp "$1" "$2"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:/usr/bin:/bin")
    directory = run(tuned.id, "gguf-q4_k_m")
    assert [file.name for file in directory.glob("*.gguf")] == ["model-q4_k_m.gguf"]
    shutil.rmtree(directory)
    script.write_text("#!/bin/sh\necho 'out of luck' >&2\nexit 3\n")
    ended = execute(model_files.begin(tuned.id, "gguf-q4_k_m").id, "test:1")
    assert ended is not None
    assert "llama-quantize failed: out of luck" in ended.error["message"]
    assert not list(directory.parent.glob("*q4_k_m*"))


def test_a_cancelled_export_leaves_nothing(tuned: models.ModelRecord) -> None:
    task = model_files.begin(tuned.id, "adapter-gguf")
    tasks.request(task.id, "cancel")
    execute(task.id, "test:1")
    assert tasks.get_task(task.id).state == "cancelled"
    assert not places.export_directory(tuned.id, "adapter-gguf").exists()
