"""Widgets from typed configs: bounds, words and defaults come from the field."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from core.data.conversion.templates import TEMPLATES
from core.models.methods import METHODS
from core.training.jobs.spec import TrainingConfig
from pages.ui.forms import allowed_words, bounds, help_text

FORMS = {
    **{f"option_{template.id}": template.Options for template in TEMPLATES},
    **{f"method_{method.id}": method for method in METHODS},
    "training": TrainingConfig,
}

BOUNDED = {
    "num_epochs": (1, 1000),
    "per_device_batch_size": (1, 256),
    "max_seq_length": (64, 131_072),
    "learning_rate": (1e-9, 0.1),
}


def drawn(name: str) -> AppTest:
    def script(name: str) -> None:
        import streamlit as st

        from pages.ui.forms import form_fields
        from tests.pages.ui.test_forms import FORMS

        st.session_state["values"] = form_fields(FORMS[name], {}, "f")

    return AppTest.from_function(script, kwargs={"name": name}, default_timeout=30).run()


@pytest.mark.parametrize("name", sorted(FORMS))
def test_an_unchanged_form_returns_valid_defaults(name: str) -> None:
    app = drawn(name)
    assert not app.exception, [item.value for item in app.exception]
    model = FORMS[name]
    made = model.model_validate(app.session_state["values"])
    assert made == model.model_validate({})


def test_the_bounds_come_from_the_field() -> None:
    app = drawn("method_lora")
    rank = next(item for item in [*app.slider, *app.number_input] if item.key == "f_rank")
    assert (rank.min, rank.max) == (1, 256) or rank.min >= 1


def test_a_number_that_can_be_auto_has_bounds_too() -> None:
    found = {name: bounds(TrainingConfig.model_fields[name], name == "learning_rate") for name in BOUNDED}
    assert {name: (low, high) for name, (low, high, _) in found.items()} == BOUNDED
    assert allowed_words(*BOUNDED["num_epochs"]) == "1 to 1,000"
    assert allowed_words(*BOUNDED["learning_rate"]) == "above 0, at most 0.1"


def test_a_number_out_of_bounds_in_a_draft_is_drawn_at_the_bound() -> None:
    def script() -> None:
        import streamlit as st

        from core.training.jobs.spec import TrainingConfig
        from pages.ui.forms import form_fields

        given = {"num_epochs": 5_000, "learning_rate": 0.002, "max_grad_norm": 0.05}
        st.session_state["values"] = form_fields(TrainingConfig, given, "f", list(given))

    app = AppTest.from_function(script, default_timeout=30).run()
    assert not app.exception
    assert app.session_state["values"] == {"num_epochs": 1_000, "learning_rate": 0.002, "max_grad_norm": 0.05}
    assert app.number_input(key="f_learning_rate").step == 0.001
    assert allowed_words(*BOUNDED["num_epochs"]) in app.markdown[0].value


def test_help_explains_the_field_and_the_source_of_its_default() -> None:
    field = METHODS.get("lora").model_fields["rank"]
    said = help_text(field)
    assert field.description in said
    assert "**Default:**" in said
