"""`sft models`: files and targets of a model, on the command line."""

from __future__ import annotations

import contextlib
import zipfile
from pathlib import Path

import pytest

from core.cli import main
from core.platform import supervisor
from core.services.serving import chat, publishing
from core.services.training.models import ModelRecord
from tests.support import runs
from tests.support.published import shelf
from worker.run import execute

Printed = pytest.CaptureFixture[str]


@pytest.fixture
def model(studio_env: Path, tmp_path: Path) -> ModelRecord:
    return runs.succeed(runs.launch(runs.dataset()), tmp_path / "adapter")


def test_an_adapter_is_downloaded_at_once(model: ModelRecord, tmp_path: Path, capsys: Printed) -> None:
    out = tmp_path / "out.zip"
    assert main(["models", "download", model.name, "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    with zipfile.ZipFile(out) as archive:
        assert {"README.md", "SHA256SUMS", "adapter_model.safetensors"} <= set(archive.namelist())


def test_formats_and_reasons_are_listed(model: ModelRecord, capsys: Printed) -> None:
    assert main(["models", "download", model.name, "--formats"]) == 0
    assert "llama-quantize" in capsys.readouterr().out
    assert main(["models", "download", model.name, "--format", "gguf-q4_k_m"]) != 0
    assert "Possible formats" in capsys.readouterr().err


def test_a_model_is_retired_where_it_was_published(
    model: ModelRecord, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    with shelf(monkeypatch):
        execute(publishing.begin(model.id, "shelf").id, "test:1")
        assert main(["models", "retire", model.name, "--target", "shelf"]) == 0
        assert publishing.published(model.id) == []
        assert main(["models", "retire", model.name, "--target", "shelf"]) != 0
        assert "is not published to The shelf" in capsys.readouterr().err
        assert main(["models", "publish", model.name, "--target", "ollama"]) != 0
        assert "Add a connection in Settings" in capsys.readouterr().err


def test_a_question_without_a_model_says_who_answers(
    model: ModelRecord, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    monkeypatch.setattr(supervisor, "ensure", lambda *_: contextlib.nullcontext())
    monkeypatch.setattr(chat, "identity", lambda chosen: chosen)
    monkeypatch.setattr(chat, "stream", lambda chosen, *_, **__: [chosen])
    assert main(["chat", "Hello"]) == 0
    printed = capsys.readouterr()
    assert printed.out == "starter\n"
    assert f"--model '{model.name}'" in printed.err
    assert main(["chat", "Hello", "--model", model.name]) == 0
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == (f"{model.id}\n", "")
