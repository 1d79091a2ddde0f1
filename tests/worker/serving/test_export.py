"""Exports as background tasks, read by those who use them: llama.cpp, and plain transformers."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from pathlib import Path

import pytest
from safetensors.torch import load_file

from core.errors import Conflict, SettingsError
from core.platform.storage import get_storage
from core.services.platform import tasks
from core.services.serving import model_files
from core.services.training import merging, models
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


def test_a_base_in_bfloat16_has_a_rounded_and_an_exact_complete_model(studio_env: Path, tmp_path: Path) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = llama_cpp.make_directory(tmp_path / "base")
    AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16).save_pretrained(base)
    adapter = make_adapter(base, tmp_path / "adapter")
    tuned = succeed(launch(make_dataset(), f"local:{base}", name="Tuned"), adapter)
    assert [(one.dtype, one.exact) for one in merging.precisions(tuned)] == [("float32", True), ("bfloat16", False)]
    execute(merging.begin(tuned.id, "stored").id, "test:1")
    rounded_at_once = load_file(get_storage().local_dir(models.get_model(tuned.id).merged.path) / "model.safetensors")
    with pytest.raises(Conflict, match="already merged"):
        merging.begin(tuned.id)

    exact = run(tuned.id, "safetensors-f32")  # merged again
    rounded = run(tuned.id, "safetensors")
    ids = torch.arange(12).unsqueeze(0)
    with torch.no_grad():
        plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
        expected = PeftModel.from_pretrained(plain, adapter)(ids).logits
        again = [AutoModelForCausalLM.from_pretrained(one, dtype=torch.float32) for one in (exact, rounded)]
        logits = [model(ids).logits for model in again]
    torch.testing.assert_close(logits[0], expected, atol=1e-4, rtol=1e-5)
    merged = models.get_model(tuned.id).merged
    assert merged is not None
    assert merged.exact
    assert merged.difference < 1e-3 < merged.rounded == pytest.approx(float((logits[1] - expected).abs().max()), rel=3)
    files = {dtype: directory / "model.safetensors" for dtype, directory in (("float32", exact), ("bfloat16", rounded))}
    for dtype, file in files.items():
        assert {str(one.dtype) for one in load_file(file).values()} == {f"torch.{dtype}"}
        assert json.loads((file.parent / "config.json").read_text())["dtype"] == dtype
        assert AutoModelForCausalLM.from_pretrained(file.parent).dtype == getattr(torch, dtype)
        assert (file.parent / "generation_config.json").is_file()
        sums = (file.parent / "SHA256SUMS").read_text()
        assert hashlib.sha256(file.read_bytes()).hexdigest() in sums
    for name, values in load_file(files["bfloat16"]).items():
        assert torch.equal(values, load_file(files["float32"])[name].to(torch.bfloat16))
        assert torch.equal(values, rounded_at_once[name])
    folders = get_storage().folders("models")
    assert [name for name in folders if "merged" in name] == [f"{tuned.id}-merged-f32"]
    choice = next(one for one in model_files.choices(models.get_model(tuned.id)) if one.id == "safetensors")
    assert "logits differ by up to" in choice.reason


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
