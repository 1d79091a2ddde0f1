"""A new fine-tuning method and a new base model are one file and one line: a dummy of each appears everywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from core.cli import main
from core.errors import NotFound
from core.models import base_models
from core.models.base_models.catalog import BASE_MODELS, HubModel
from core.models.base_models.sources import SOURCES, HubSource, ModelSource
from core.models.methods import METHODS, Method, build
from core.models.methods.base import MethodColor, ModelShape, setting
from core.models.methods.presets import Preset, SizeClass
from core.models.tool_calls import CALL_SYNTAXES, CallReader, of_template
from core.models.tool_calls.base import CallSyntax
from core.platform.tasks.context import TaskContext
from core.services.learn.explain import compare
from core.services.platform import drafts
from core.services.training import downloads, jobs
from core.training import engines
from tests.support import runs
from tests.support.registry import registered
from tests.support.screens import open_page, words
from worker.fetching import Fetched
from worker.run import execute

ROWS = (
    (
        "a fine-tuning method",
        "core/models/methods/<id>.py",
        "core/models/methods/__init__.py: METHODS.add(...)",
    ),
    (
        "a base model of the catalog",
        "core/models/base_models/catalog.py",
        "core/models/base_models/catalog.py: BASE_MODELS.add(...)",
    ),
    (
        "a source of base models",
        "worker/fetching/<id>.py",
        "core/models/base_models/sources.py: @SOURCES.add",
    ),
    (
        "a way of writing tool calls",
        "core/models/tool_calls/<id>.py",
        "core/models/tool_calls/__init__.py: CALL_SYNTAXES.add(...)",
    ),
)


class Scales(Method):
    """Scales the outputs of the keys and values, as IA3 does."""

    id: ClassVar[str] = "scales"
    title: ClassVar[str] = "Learned Scales"
    badge: ClassVar[str] = "Smallest"
    color: ClassVar[MethodColor] = "gray"
    icon: ClassVar[str] = ":material/tune:"
    tagline: ClassVar[str] = "Scales what a layer passes on"
    claims: ClassVar[tuple[str, ...]] = ("A few thousand numbers",)
    mergeable: ClassVar[bool] = True
    gguf: ClassVar[bool] = True
    how: ClassVar[str] = "A learned factor for each key and value."
    serves: ClassVar[str] = "Merged into the base."
    peft_type: ClassVar[str | None] = "IA3"
    presets: ClassVar[Mapping[SizeClass, Preset]] = {"general": Preset(training={"learning_rate": 3e-3})}

    strength: int = setting(
        default=1,
        ge=1,
        le=4,
        title="Strength",
        description="Shown in the form.",
        usual="1",
        up="Stronger.",
        source="1, by choice",
    )

    def peft_arguments(self) -> dict[str, Any] | None:
        names = ["k_proj", "v_proj"]
        return {"task_type": "CAUSAL_LM", "target_modules": names, "feedforward_modules": []}

    def trainable_params(self, shape: ModelShape) -> int:
        return 2 * shape.num_layers * shape.kv_size


@pytest.fixture
def method(studio_env: Path) -> Iterator[type[Method]]:
    with registered(METHODS, Scales):
        yield Scales


@pytest.fixture
def base(studio_env: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubModel]:
    monkeypatch.setenv("HF_HUB_CACHE", str(studio_env / "none"))
    entry = HubModel(
        "someone/New-1B",
        "New 1B",
        1,
        "New",
        "MIT",
        "Speaks of everything.",
        names=("new",),
        presets={"lora": Preset(method={"rank": 4}, training={"learning_rate": 7e-5})},
    )
    with registered(BASE_MODELS, entry):
        yield entry


def test_a_new_method_is_a_card_of_the_new_job_and_its_settings_are_a_form(method: type[Method]) -> None:
    draft = drafts.create("job", {"dataset_id": runs.dataset().id}, step="model")
    app = open_page("pages/training/new_job.py", draft=draft.id)
    shown = words(app)
    assert all(text in shown for text in (method.title, method.tagline, method.badge, method.claims[0]))
    app = open_page("pages/training/new_job.py", draft=_with_method(draft.id))
    assert "Strength" in [item.label for item in (*app.number_input, *app.slider)]


def _with_method(draft_id: str) -> str:
    state = drafts.get(draft_id).state | {"method": Scales.id, "method_config": {}}
    return drafts.create("job", state, step="model").id


def test_a_new_method_can_be_launched_and_is_shown_by_its_title(method: type[Method]) -> None:
    data = runs.dataset()
    forecast = jobs.forecast(data.id, "starter", method.id)
    assert forecast.training.learning_rate == 3e-3
    assert forecast.sources["learning_rate"] == "preset of Learned Scales"
    assert forecast.trainable_params == 2 * 4 * 128
    job = runs.launch(data, method=method.id)
    assert job.method_title == "Learned Scales"
    assert engines.choose(engines.AUTO, build(method.id)).engine == "trl"


@pytest.mark.parametrize("verb", ["train", "demo"])
def test_the_command_line_names_a_new_method(
    method: type[Method], verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([verb, "--help"]) == 0
    assert "scales" in capsys.readouterr().out


def test_the_explainer_compares_a_new_method(method: type[Method]) -> None:
    assert method in [row.about for row in compare.compare_methods("7B", "A100, 80 GB")]
    shown = words(open_page("pages/learn/explainer.py", topic="methods"))
    assert all(text in shown for text in (method.title, method.how, method.serves))


def test_a_new_base_model_is_listed_with_its_command_and_found_by_its_names(base: HubModel) -> None:
    listed = {item.id: item for item in base_models.list_models()}[base.id]
    assert (listed.title, listed.license, listed.command) == ("New 1B", "MIT", "hf download someone/New-1B")
    assert base_models.resolve("new:latest") == listed
    assert base_models.title_of(base.id) == "New 1B"
    assert base_models.is_base(base.id)
    with pytest.raises(NotFound) as unknown:
        base_models.resolve("gpt-99")
    assert base.id in unknown.value.remedy


def test_the_presets_of_a_new_base_model_override_the_methods(base: HubModel) -> None:
    preset = base_models.resolve(base.id).preset("lora")
    assert (preset.method, preset.training) == ({"rank": 4}, {"learning_rate": 7e-5})
    assert base_models.resolve(base.id).preset("full").training == {"learning_rate": 2e-5}


def test_the_new_job_offers_a_new_base_model(base: HubModel) -> None:
    draft = drafts.create("job", {"dataset_id": runs.dataset().id}, step="model")
    shown = words(open_page("pages/training/new_job.py", draft=draft.id))
    assert "New 1B" in shown


@dataclass(frozen=True, slots=True, kw_only=True)
class UsbSource(ModelSource):
    """A stick with models on it."""

    id: ClassVar[str] = "usb"
    title: ClassVar[str] = "Your USB stick"
    place: ClassVar[str] = "your USB stick"

    @property
    def fetcher(self) -> str:
        return __name__


def fetch(ctx: TaskContext, hub_id: str, revision: str, source: ModelSource) -> Fetched:
    """What `worker/fetching/usb.py` would have."""
    return Fetched("", source.bytes, download_s=3.0)


@pytest.fixture
def on_a_stick(studio_env: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubModel]:
    monkeypatch.setenv("HF_HUB_CACHE", str(studio_env / "none"))
    sources = (HubSource(), UsbSource(bytes=120 << 20))
    entry = HubModel("someone/Portable", "Portable", 0.01, "New", "MIT", sources=sources)
    with registered(SOURCES, UsbSource), registered(BASE_MODELS, entry):
        yield entry


def test_a_new_source_is_an_option_a_button_and_a_download(
    on_a_stick: HubModel, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["base", "get", "--help"]) == 0
    assert "usb (your USB stick)" in " ".join(capsys.readouterr().out.split())
    draft = drafts.create("job", {"dataset_id": runs.dataset().id}, step="model")
    assert "120 MB from your USB stick" in words(open_page("pages/training/new_job.py", draft=draft.id))
    ended = execute(downloads.start(on_a_stick.id, "usb").id, "test:1")
    assert (ended.state, ended.result["source"]) == ("succeeded", "usb")
    assert "about 3 s" in downloads.offers(base_models.resolve(on_a_stick.id))[1].text


def test_a_new_way_of_writing_tool_calls_is_found_by_its_template() -> None:
    arrows = CallSyntax("arrows", "=>", lambda template: "=>" in template, lambda text: [(text[2:], "{}")])
    with registered(CALL_SYNTAXES, arrows):
        assert of_template("{{ '=>' }}") is arrows
        reader = CallReader(arrows)
        assert reader.add("Well: =>look_up") == "Well: "
        assert reader.rest() == ("", [("look_up", "{}")])
