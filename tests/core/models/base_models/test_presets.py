"""Presets of the catalog: real settings, and the same for the same weights wherever they lie."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from core.models import base_models
from core.models.base_models.catalog import BASE_MODELS, HubModel, by_name
from core.models.base_models.records import BaseModelRef
from core.models.base_models.restored import RestoredFrom
from core.models.methods import METHODS, build
from core.models.methods.presets import Preset
from core.training.jobs.resolve import resolve
from core.training.jobs.spec import TrainingConfig
from tests.support.random_model import make_model
from tests.support.registry import registered


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "any-name")


@pytest.mark.parametrize("entry", [entry for entry in BASE_MODELS if entry.presets], ids=lambda entry: entry.title)
def test_presets_of_the_catalog_are_settings_that_exist(entry: HubModel) -> None:
    base = BaseModelRef(entry.id, entry.title, entry.family, "", True, presets=entry.presets, billions=entry.billions)
    for method_id in entry.presets:
        build(method_id, base.preset(method_id).method)
        _, sources = resolve(TrainingConfig(), base, method_id, 240)
        assert sources["learning_rate"] == f"preset of {entry.title}"


def test_the_model_that_the_first_screen_recommends_has_a_preset_for_every_method() -> None:
    hub_id, _ = by_name("smollm2")
    assert set(BASE_MODELS.get(hub_id).presets) == set(METHODS.ids())


@pytest.mark.parametrize(
    ("folder", "source", "known"),
    [
        ("Small-Chat", None, True),
        ("acme--Small-Chat", None, True),
        ("restored", "Small-Chat.Q4_1.gguf", True),
        ("another", None, False),
        ("another", "other.gguf", False),
    ],
)
def test_a_directory_with_the_same_weights_gets_the_same_presets(
    model: Path, tmp_path: Path, folder: str, source: str | None, known: bool
) -> None:
    copy = Path(shutil.copytree(model, tmp_path / folder))
    if source:
        RestoredFrom(file=source, sha256="0" * 64, bytes=1, quantization="Q4_1").write(copy)
    params = base_models.resolve(f"local:{model}").params
    presets = {"lora": Preset(training={"learning_rate": 0.05})}
    with registered(BASE_MODELS, HubModel("acme/Small-Chat", "Small", params / 1e9, "F", "MIT", presets=presets)):
        assert base_models.resolve(f"local:{copy}").presets == (presets if known else {})


def test_a_name_alone_is_not_enough(model: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(model, tmp_path / "SmolLM2-135M-Instruct"))
    assert not base_models.resolve(f"local:{copy}").presets
