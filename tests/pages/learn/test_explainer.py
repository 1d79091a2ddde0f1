"""Each section of the explainer is drawn without an error, and its controls change the result."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.learn._explainer.chapters import TOPICS, Topic
from pages.ui.errors import UNEXPECTED
from tests.pages.conftest import ROOT

CONTROLS = ("slider", "select_slider", "selectbox", "button", "text_area", "text_input", "number_input")


def open_topic(topic: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "Home.py"), default_timeout=180)
    app.query_params["topic"] = topic
    app.switch_page("pages/learn/explainer.py").run()
    return checked(app)


def checked(app: AppTest) -> AppTest:
    assert not app.exception
    assert not [item.value for item in app.markdown if UNEXPECTED in item.value]
    return app


def text_of(app: AppTest) -> str:
    return "\n".join(str(item.value) for kind in ("markdown", "caption", "header") for item in app.get(kind))


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.id)
def test_each_section_draws_with_something_to_use_or_to_see(studio_env: Path, topic: Topic) -> None:
    app = open_topic(topic.id)
    assert topic.title in [item.value for item in app.header]
    own = [item for kind in CONTROLS for item in app.get(kind) if item.key not in ("before", "after")]
    assert own or app.get("plotly_chart") or topic.id == "loop"


def test_the_switches_change_the_section_and_the_address(studio_env: Path) -> None:
    app = open_topic("what")
    app.button_group(key="chapter").set_value("Training").run()
    assert checked(app).query_params["topic"] == "methods"
    app.button_group(key="section").set_value("curves").run()
    assert "Reading a loss curve" in [item.value for item in checked(app).header]


def test_next_leads_through_all_sections(studio_env: Path) -> None:
    app = open_topic("what")
    seen = [app.header[0].value]
    while any(button.key == "after" for button in app.button):
        app.button(key="after").click().run()
        seen.append(checked(app).header[0].value)
    assert seen == [topic.title for topic in TOPICS]


def test_a_longer_prompt_saves_more(studio_env: Path) -> None:
    app = open_topic("what")
    before = text_of(app)
    app.text_area(key="instructions").set_value("x" * 4000).run()
    assert "**30,000,000 tokens** saved" in text_of(checked(app))
    assert text_of(app) != before


def test_the_decision_flow_ends_in_advice(studio_env: Path) -> None:
    app = open_topic("when")
    for answer in ("facts_no", "prompt_no", "stable_yes", "examples_no"):
        app.button(key=answer).click().run()
    assert "**Collect first**" in text_of(checked(app))
    next(button for button in app.button if button.label == "Start over").click().run()
    assert "Collect first**" not in text_of(checked(app))


def test_a_row_is_followed_to_its_tokens_and_an_empty_cell_is_left_out(studio_env: Path) -> None:
    app = open_topic("way")
    assert "**5. Tokens**" in text_of(app)
    app.text_area(key="way_answer").set_value("").run()
    assert "**2. Left out**" in text_of(checked(app))
    assert any("cell_empty" in block.value for block in app.code)


@pytest.mark.parametrize(
    ("pasted", "expected"),
    [
        ('{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}', "Accepted"),
        ('{"prompt": "a", "completion": "b"}', "Accepted"),
        ('{"messages": [{"role": "user", "content": "a"}]}', "`assistant_missing`"),
        ('{"messages": [{"role": "robot", "content": "a"}]}', "`role_unknown`"),
        ('{"messages": [', "`json_syntax`"),
        ("[" * 100_000, "`json_depth`"),
        ("", "Not accepted"),
    ],
)
def test_a_pasted_example_is_checked_like_a_file(studio_env: Path, pasted: str, expected: str) -> None:
    app = open_topic("format")
    app.text_area(key="pasted").set_value(pasted).run()
    assert expected in text_of(checked(app))


def test_the_example_in_the_field_is_accepted(studio_env: Path) -> None:
    text = text_of(open_topic("format"))
    assert "Accepted" in text
    assert ":blue-badge[" in text  # tokens that count toward the loss


def test_the_sample_dataset_follows_every_recommendation(studio_env: Path) -> None:
    assert "6 of 6" in text_of(open_topic("habits"))


@pytest.mark.parametrize("symptom", range(6))
def test_every_symptom_has_causes_remedies_and_a_figure(studio_env: Path, symptom: int) -> None:
    app = open_topic("trouble")
    app.selectbox(key="symptom").select_index(symptom).run()
    text = text_of(checked(app))
    assert text.count("\n1. ") >= 4  # causes and remedies


def test_questions_are_found_by_word(studio_env: Path) -> None:
    app = open_topic("questions")
    app.text_input(key="faq_search").set_value("gpu").run()
    assert re.search(r"[1-5] of 14 questions", text_of(checked(app)))
    app.text_input(key="faq_search").set_value("zzz").run()
    assert "0 of 14 questions" in text_of(checked(app))
