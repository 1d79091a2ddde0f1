"""The contract that every method of the registry keeps."""

from __future__ import annotations

import json

import pytest

from core.errors import NotFound, SettingsError
from core.methods import METHODS, Method, add, build, get_method
from core.methods.descriptions import DESCRIPTIONS


class Shape:
    """Two layers of a small Llama, written out by hand."""

    params = 100_000

    def linear_shapes(self) -> list[tuple[str, int, int]]:
        return [("q_proj", 64, 64), ("o_proj", 64, 64), ("up_proj", 64, 128)] * 2


@pytest.fixture(params=sorted(METHODS))
def method(request: pytest.FixtureRequest) -> type[Method]:
    return METHODS[request.param]


def test_card_is_complete(method: type[Method]) -> None:
    for word in (method.id, method.title, method.badge, method.badge_color, method.icon, method.tagline):
        assert word.strip()
    assert method.claims


def test_every_field_is_documented_and_bounded(method: type[Method]) -> None:
    for name, spec in _properties(method).items():
        for key in ("title", "description", "usual", "up", "source", "unit"):
            assert key in spec, f"{method.id}.{name} has no {key}"
        if spec.get("type") in ("integer", "number"):
            assert {"minimum", "maximum"} <= spec.keys(), f"{method.id}.{name} has no bounds"


def _properties(method: type[Method]) -> dict[str, dict[str, object]]:
    return method.model_json_schema().get("properties", {})


def test_settings_are_frozen_and_closed(method: type[Method]) -> None:
    with pytest.raises(SettingsError, match="no setting 'learning_rat'"):
        build(method.id, {"learning_rat": 1})


def test_gives_plain_data(method: type[Method]) -> None:
    settings = method()
    json.dumps([settings.peft_type(), settings.peft_arguments(), settings.load_arguments()])
    assert (settings.peft_type() is None) == (settings.peft_arguments() is None)
    assert method(**json.loads(settings.model_dump_json())) == settings


def test_counts_what_it_trains(method: type[Method]) -> None:
    assert 0 < method().trainable_params(Shape()) <= Shape.params


def test_is_described_for_the_explainer(method: type[Method]) -> None:
    texts = {entry.id: entry for entry in DESCRIPTIONS}
    assert texts[method.id].tagline == method.tagline
    assert texts[method.id].badge == method.badge
    assert [claim.lower() for claim in texts[method.id].claims] == [claim.lower() for claim in method.claims]


def test_a_duplicate_id_is_refused(method: type[Method]) -> None:
    with pytest.raises(ValueError, match="two methods"):
        add(method)


def test_unknown_method_names_the_choices() -> None:
    with pytest.raises(NotFound, match="lora, full"):
        get_method("lroa")
