"""A separate process tests whether unsloth works, and the result is stored with the versions."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from core.models.methods import METHODS, build
from core.training.engines import ENGINES, unsloth


@pytest.fixture
def package(tmp_path: Path, studio_env, monkeypatch: pytest.MonkeyPatch):
    """Put a package named unsloth onto the path of the process that tests it."""

    def put(body: str) -> None:
        folder = tmp_path / "site" / "unsloth"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "__init__.py").write_text(body)
        monkeypatch.setenv("PYTHONPATH", str(folder.parent))

    return put


@pytest.mark.parametrize(
    "body",
    [
        "raise NotImplementedError('Unsloth cannot find any torch accelerator? You need a GPU.')",
        "raise ImportError('Unsloth: Pytorch is not installed.')",
        "raise RuntimeError('the driver is too old\\nsecond line')",
    ],
)
def test_every_refusal_becomes_a_reason(package, body: str) -> None:
    package(f"print('a banner on stdout')\n{body}")
    reason = unsloth.try_import()
    assert reason.startswith("importing it fails here: ")
    assert reason.endswith(".")
    assert "second line" not in reason
    assert unsloth.last_probe() == reason


def test_a_crash_becomes_a_reason(package) -> None:
    package("import os; os._exit(3)")
    assert "exit code 3" in unsloth.try_import()


def test_a_result_is_valid_for_these_versions_and_a_refusal_for_an_hour(package, monkeypatch) -> None:
    assert unsloth.last_probe() is None
    package("import os; assert os.environ['UNSLOTH_DISABLE_STATISTICS'] == '1'\nprint('banner')")
    assert unsloth.try_import() == ""
    assert unsloth.last_probe() == ""
    unsloth.record("importing it fails here: the GPU was full.")
    assert unsloth.last_probe()
    monkeypatch.setattr(unsloth.time, "time", lambda: 4e9)
    assert unsloth.last_probe() is None
    unsloth.record("")
    kept = json.loads(unsloth._file().read_text())
    unsloth._file().write_text(json.dumps({**kept, "versions": {**kept["versions"], "trl": "0.1"}}))
    assert unsloth.last_probe() is None


def test_it_trains_lora_and_full_and_refuses_the_rest() -> None:
    engine = ENGINES.get("unsloth")
    for method_id in METHODS.ids():
        method = build(method_id)
        assert (engine.supports(method) == "") == (method.peft_type in (None, "LORA"))


def test_on_a_cpu_nothing_is_tried(studio_env, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFT_DEVICE", "cpu")
    monkeypatch.setattr(sys, "executable", "/does/not/exist")
    assert "NVIDIA GPU" in ENGINES.get("unsloth").available(probe=True)
    assert "NVIDIA GPU" in ENGINES.get("unsloth").examine()
