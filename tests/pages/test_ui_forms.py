"""Widgets from typed configs: the bounds, words and defaults are the field's own."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from core.conversion.templates import TEMPLATES
from core.jobs.spec import TrainingConfig
from core.methods import METHODS
from pages.ui.forms import help_text

FORMS = {
    **{f"option_{name}": template.Options for name, template in TEMPLATES.items()},
    **{f"method_{name}": method for name, method in METHODS.items()},
    "training": TrainingConfig,
}


def drawn(name: str) -> AppTest:
    def script(name: str) -> None:
        import streamlit as st

        from pages.ui.forms import form_fields
        from tests.pages.test_ui_forms import FORMS

        st.session_state["values"] = form_fields(FORMS[name], {}, "f")

    return AppTest.from_function(script, kwargs={"name": name}, default_timeout=30).run()


@pytest.mark.parametrize("name", sorted(FORMS))
def test_an_untouched_form_gives_valid_defaults(name: str) -> None:
    app = drawn(name)
    assert not app.exception, [item.value for item in app.exception]
    model = FORMS[name]
    made = model.model_validate(app.session_state["values"])
    assert made == model.model_validate({})


def test_the_bounds_are_the_fields_own() -> None:
    app = drawn("method_lora")
    rank = next(item for item in [*app.slider, *app.number_input] if item.key == "f_rank")
    assert (rank.min, rank.max) == (1, 256) or rank.min >= 1


def test_help_says_what_it_does_and_where_the_default_is_from() -> None:
    field = METHODS["lora"].model_fields["rank"]
    said = help_text(field)
    assert field.description in said
    assert "**Default:**" in said
