"""Compare: two to four models on an example of a split or a typed input, with the choice in the address."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.services.serving import chat, comparing
from core.services.training.models import ModelRecord
from pages.ui import addressed
from tests.pages.conftest import keys
from tests.support import evaluations as planted
from tests.support.talking import Talker, tuned


@pytest.fixture
def pair(talker: Talker, tmp_path: Path) -> tuple[ModelRecord, ModelRecord]:
    return tuned(tmp_path / "one", "v1"), tuned(tmp_path / "two", "v2")


def test_two_versions_answer_an_example_of_a_split(open_screen, read, pair, talker) -> None:
    first, second = pair
    app = open_screen("compare", models=[first.id, second.id], split="validation")
    read(app)
    example = next(box for box in app.selectbox if box.key.startswith("example_"))
    example.select_index(2).run()
    assert app.query_params["example"] == app.session_state[example.key]
    version = first.manifest["spec"]["dataset_version_id"]
    chosen = comparing.example_at(version, int(app.query_params["example"]))
    assert chosen is not None
    talker.says = f"{chosen.expected} Surely"
    app.button(key="ask_all").click().run()
    shown = read(app)
    assert {"on_answer_0", "on_answer_1", "expected"} <= keys(app)
    assert "12 tokens" in shown
    assert len(talker.asked) == 2
    assert talker.asked[0] == talker.asked[1]
    assert "<mark>Surely</mark>" in shown or "<mark> Surely</mark>" in shown, "the difference to the expected output"
    split = next(control for control in app.get("button_group") if control.key.startswith("split_"))
    assert split.value == "validation"


def test_a_typed_input_is_sent_with_the_system_message(open_screen, read, pair, talker) -> None:
    app = open_screen("compare", models=[model.id for model in pair])
    next(control for control in app.get("button_group") if control.key == "input_kind").set_value("typed").run()
    app.button(key="ask_all").click().run()
    assert not talker.asked, "there is nothing to ask yet"
    app.text_area(key="question").set_value("Hello?")
    next(area for area in app.text_area if area.key.startswith("compare_system_")).set_value("Be kind.")
    app.button(key="ask_all").click().run()
    read(app)
    assert [(message["role"], message["content"]) for message in talker.asked[0]] == [
        ("system", "Be kind."),
        ("user", "Hello?"),
    ]
    assert "expected" not in keys(app)


def test_a_single_model_is_not_compared(open_screen, read, pair) -> None:
    app = open_screen("compare", models=[pair[0].id])
    read(app)
    assert app.button(key="ask_all").disabled


def test_a_link_with_one_model_says_that_its_base_is_away(open_screen, read, pair) -> None:
    app = open_screen("compare", model=pair[1].id)
    read(app)
    assert "Starter" in app.warning[0].value
    assert app.multiselect(key="models").value[0] == pair[1].id
    assert [model.id for model in chat.available_models()] == [pair[1].id, pair[0].id]


def test_a_comparison_is_in_its_address_and_its_answers_survive_a_reload(open_screen, read, pair, talker) -> None:
    ids = [model.id for model in pair]
    app = open_screen("compare", kind="typed", input="Hello?", system="Be kind.", tokens="64", models=ids)
    read(app)
    assert app.text_area(key="question").value == "Hello?"
    app.button(key="ask_all").click().run()
    asked, address = len(talker.asked), dict(app.query_params)
    assert asked == 2
    other = open_screen("compare", **address)  # another session: a reload, or another person
    read(other)
    assert {"on_answer_0", "on_answer_1"} <= keys(other)
    assert len(talker.asked) == asked
    other.text_area(key="question").set_value("Another?").run()
    assert other.query_params["input"] == "Another?"
    assert "on_answer_0" not in keys(other)


def test_asking_names_the_default_models_in_the_address(open_screen, read, pair, talker) -> None:
    app = open_screen("compare")
    read(app)
    assert "models" not in app.query_params
    shown = app.multiselect(key="models").value
    if len(shown) < comparing.FEWEST:
        app.multiselect(key="models").set_value([model.id for model in pair]).run()
    app.button(key="ask_all").click().run()
    assert app.query_params["models"] == app.multiselect(key="models").value
    assert app.multiselect(key="models").value


def test_a_text_that_is_too_long_or_the_default_is_not_in_the_address(open_screen, read, pair) -> None:
    app = open_screen("compare", kind="typed", input="Hello?", models=[model.id for model in pair])
    app.text_area(key="question").set_value("x" * (addressed.LONGEST + 1)).run()
    read(app)
    assert "input" not in app.query_params
    app.text_area(key="question").set_value("").run()
    assert "input" not in app.query_params


def test_each_tuned_model_is_tested_with_its_base_and_shows_the_score(open_screen, read, pair, talker) -> None:
    first, second = pair
    done = planted.measured(first, planted.right_up_to(validation=29), main="exact_match")
    app = open_screen("compare", models=[first.id, second.id])
    shown = read(app)
    assert {tile.label: tile.value for tile in app.metric}["Exact match"] == "50.0%"
    assert {f"test_{first.id}", f"test_{second.id}", f"evaluate_{second.id}"} <= keys(app)
    assert "Model and base answer the held-out examples: 58 examples." in shown
    assert any(done.id in link.proto.query_string for link in app.get("page_link"))
