"""The contract of every method in the registry."""

from __future__ import annotations

import json

import pytest

from core.errors import NotFound, SettingsError
from core.models.methods import METHODS, Method, build, recommended_method
from core.models.methods.presets import LARGE_FROM, TINY_BELOW
from core.training.jobs.spec import TrainingConfig


class Shape:
    """Two layers of a small Llama, written out by hand."""

    params = 100_000
    num_layers = 2
    kv_size = 32

    def linear_shapes(self) -> list[tuple[str, int, int]]:
        return [("q_proj", 64, 64), ("o_proj", 64, 64), ("up_proj", 64, 128), ("down_proj", 128, 64)] * 2


@pytest.fixture(params=sorted(METHODS.ids()))
def method(request: pytest.FixtureRequest) -> type[Method]:
    return METHODS.get(request.param)


def test_card_is_complete(method: type[Method]) -> None:
    card = (method.id, method.title, method.badge, method.icon, method.tagline)
    for text in (*card, method.how, method.serves):
        assert text.strip()
    assert method.claims


def test_one_method_is_recommended_and_no_two_cards_look_alike() -> None:
    assert [method for method in METHODS if method.recommended] == [recommended_method()]
    assert recommended_method().label() == "LoRA (Recommended)"
    for word in ("title", "badge", "icon", "color", "tagline"):
        assert len({getattr(method, word) for method in METHODS}) == len(METHODS)


def test_every_field_is_documented_and_bounded(method: type[Method]) -> None:
    for name, spec in _properties(method).items():
        for key in ("title", "description", "usual", "up", "source", "unit"):
            assert key in spec, f"{method.id}.{name} has no {key}"
        if spec.get("type") in ("integer", "number"):
            assert {"minimum", "maximum"} <= spec.keys() or "enum" in spec, f"{method.id}.{name} has no bounds"


def test_a_field_that_depends_on_another_names_one_that_exists(method: type[Method]) -> None:
    fields = _properties(method)
    for name, spec in fields.items():
        for other, values in dict(spec.get("when") or {}).items():  # type: ignore[call-overload]
            allowed = fields[other].get("enum") or [True, False]
            assert set(values) < set(allowed), f"{method.id}.{name} is always or never drawn"  # type: ignore[call-overload]


def _properties(method: type[Method]) -> dict[str, dict[str, object]]:
    return method.model_json_schema().get("properties", {})


def test_settings_are_frozen_and_closed(method: type[Method]) -> None:
    with pytest.raises(SettingsError, match="no setting 'learning_rat'"):
        build(method.id, {"learning_rat": 1})


def test_a_method_is_plain_data(method: type[Method]) -> None:
    settings = method()
    json.dumps([settings.peft_type, settings.peft_arguments(), settings.load_arguments()])
    assert (settings.peft_type is None) == (settings.peft_arguments() is None)
    assert method(**json.loads(settings.model_dump_json())) == settings


def test_it_counts_what_it_trains_and_saves(method: type[Method]) -> None:
    settings = method()
    assert 0 < settings.saved_params(Shape()) <= settings.trainable_params(Shape()) <= Shape.params
    assert 0 < settings.base_bytes(Shape(), 2) <= 2 * Shape.params
    settings.check(Shape())


def test_only_adapters_that_can_be_merged_become_gguf_files(method: type[Method]) -> None:
    if method().peft_type is not None:
        assert method.gguf == method.mergeable


def test_it_says_that_it_can_be_merged_only_if_it_can(method: type[Method]) -> None:
    assert ("merged" in method.serves.split("cannot")[0]) == method.mergeable


@pytest.mark.parametrize("params", [0, TINY_BELOW - 1, TINY_BELOW, LARGE_FROM])
def test_presets_are_settings_that_exist_and_give_a_learning_rate(method: type[Method], params: int) -> None:
    preset = method.preset(params)
    build(method.id, preset.method)
    epochs = {"examples_seen", "min_epochs", "max_epochs"}
    assert set(preset.training) <= set(TrainingConfig.model_fields) | epochs
    assert set(preset.training) & epochs in (set(), epochs)
    assert 0 < preset.training["learning_rate"] <= 0.1


def test_a_duplicate_id_is_refused(method: type[Method]) -> None:
    with pytest.raises(ValueError, match="two entries"):
        METHODS.add(method)


def test_unknown_method_names_the_choices() -> None:
    with pytest.raises(NotFound, match="'lroa'") as unknown:
        METHODS.get("lroa")
    assert all(known in unknown.value.remedy for known in METHODS.ids())
