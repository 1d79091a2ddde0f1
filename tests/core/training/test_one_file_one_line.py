"""A new training engine is one file and one line: a dummy appears everywhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import pytest

from core.cli import main
from core.errors import NotFound, SettingsError
from core.models.methods import build
from core.services.platform import doctor, drafts
from core.training import engines
from core.training.engines import AUTO, ENGINES, Engine
from tests.support import runs
from tests.support.registry import registered
from tests.support.screens import open_page
from worker.training.engines import import_engine

ROWS = (
    (
        "a training engine",
        "core/training/engines/<id>.py",
        "core/training/engines/__init__.py: ENGINES.add(...)",
    ),
)


class Abacus(Engine):
    """Trains LoRA on beads."""

    id: ClassVar[str] = "abacus"
    title: ClassVar[str] = "Abacus"
    text: ClassVar[str] = "Beads on wires."
    why: ClassVar[str] = "Beads need no electricity."
    remedy: ClassVar[str] = "Oil the wires."
    module: ClassVar[str] = "abacus_engine"
    peft_types: ClassVar[tuple[str | None, ...] | None] = ("LORA",)

    def available(self, *, probe: bool = False) -> str:
        return ""


@pytest.fixture
def engine(studio_env: Path) -> Iterator[Engine]:
    with registered(ENGINES, Abacus()) as entry:
        yield entry


def test_a_new_engine_can_be_chosen_and_says_what_it_cannot_train(engine: Engine) -> None:
    assert engines.choose("abacus", build("lora")).title == "Abacus"
    with pytest.raises(
        SettingsError, match=r"Abacus cannot train this here: it does not support Prefix Tuning\."
    ) as no:
        engines.choose("abacus", build("prefix_tuning"))
    assert no.value.remedy == "Oil the wires."
    with pytest.raises(NotFound) as unknown:
        engines.choose("jax", build("lora"))
    assert "abacus" in unknown.value.remedy
    assert engines.choose(AUTO, build("lora")).engine != "abacus"  # the first one that can is taken


def test_the_new_job_offers_a_new_engine(engine: Engine) -> None:
    draft = drafts.create("job", {"dataset_id": runs.dataset().id, "engine": "abacus"}, step="model")
    app = open_page("pages/training/new_job.py", draft=draft.id)
    (box,) = (item for item in app.selectbox if item.label == "Engine")
    assert "Abacus" in box.options
    assert "Beads on wires." in box.help


def test_the_command_line_and_the_doctor_name_a_new_engine(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--help"]) == 0
    assert "abacus" in capsys.readouterr().out
    assert "Abacus" in [check.name for check in doctor.examine()]


def test_the_worker_imports_the_module_that_a_new_engine_names(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType(engine.module)
    monkeypatch.setitem(sys.modules, engine.module, module)
    assert import_engine("abacus") is module
