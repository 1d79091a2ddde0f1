"""The screen of models: versions in one card, tags, scores, live figures, and the use from code."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.services.serving import evaluating, from_code, live
from core.services.serving.evaluating import Contestant, contestants, testing
from core.services.serving.live import ServingFigures
from core.services.training import models
from core.services.training.models import ModelRecord
from pages.ui.format import md
from tests.pages.conftest import keys
from tests.support import evaluations as planted, runs
from tests.support.jobs import finish


@pytest.fixture
def versions(studio_env: Path, tmp_path: Path) -> list[ModelRecord]:
    """Two versions of one model; the first one was tested."""
    data = runs.dataset()
    first, second = (runs.succeed(runs.launch(data, f"Support v{n}"), tmp_path / "adapter") for n in (1, 2))
    planted.measured(first, planted.right_up_to(validation=41), main="exact_match")
    return [first, second]


def test_versions_are_one_card_that_opens(versions: list[ModelRecord], open_screen, read) -> None:
    first, second = versions
    app = open_screen("models")
    assert f"open_{second.id}" in keys(app)
    assert f"open_version_{first.id}" not in keys(app), "the others are drawn once they are opened"
    app.session_state[f"versions_{first.line_id}"] = True
    app.run()
    said = read(app)
    assert f"{md('Held-out examples: Exact match')} 70.7%" in said
    app.button(key=f"open_version_{first.id}").click().run()
    read(app)
    assert {f"version_{first.id}", f"version_{second.id}"} <= keys(app)
    assert f"open_version_{first.id}" not in keys(app), "this one is open already"


def test_a_search_puts_the_version_that_it_finds_in_front(versions: list[ModelRecord], open_screen, read) -> None:
    app = open_screen("models", q="Support v1")
    read(app)
    assert f"open_{versions[0].id}" in keys(app)


def test_many_models_are_archived_with_all_versions(versions: list[ModelRecord], open_screen, read) -> None:
    app = open_screen("models")
    app.toggle(key="choosing_model").set_value(True).run()
    app.button(key="many_page").click().run()
    app.button(key="many_archive").click().run()
    read(app)
    assert models.list_models() == []


def test_tags_are_added_removed_and_filtered_by(versions: list[ModelRecord], open_screen, read) -> None:
    first, _ = versions
    app = open_screen("models", id=first.id)
    app.multiselect(key=f"tags_{first.id}").set_value(["Production", "support"]).run()
    read(app)
    assert models.get_model(first.id).tags == ("production", "support")
    assert app.multiselect(key=f"tags_{first.id}").value == ["production", "support"]
    app.multiselect(key=f"tags_{first.id}").set_value(["production", "two words"]).run()
    read(app)
    assert models.get_model(first.id).tags == ("production", "support"), "the error says why"
    app.multiselect(key=f"tags_{first.id}").set_value(["production"]).run()
    assert models.get_model(first.id).tags == ("production",)
    app = open_screen("models", tag="production")
    assert "production" in read(app)
    assert f"open_{first.id}" in keys(app)


def test_a_model_that_was_not_tested_is_tested_with_one_click(
    versions: list[ModelRecord], open_screen, read, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, second = versions
    monkeypatch.setattr(contestants, "find", lambda typed: Contestant(typed, typed, "tuned"))  # no starter
    app = open_screen("models", id=second.id)
    assert "Model and base answer the held-out examples: 58 examples." in read(app)
    app.button(key=f"test_{second.id}").click().run()
    read(app)
    running = testing.running(second.id)
    assert running is not None
    assert f"live_test_{second.id}" in keys(app)
    planted.answered(
        evaluating.get(running.payload["evaluation_id"]), {second.id: planted.right, "starter": planted.wrong}
    )
    finish(running.id)
    app = open_screen("models", id=second.id)
    read(app)
    assert {tile.label: tile.value for tile in app.metric}["Token F1"] == "100.0%"


def test_the_score_of_a_model_and_the_way_to_its_evaluation(versions: list[ModelRecord], open_screen, read) -> None:
    first, _ = versions
    app = open_screen("models", id=first.id)
    read(app)
    assert next((tile.label, tile.value) for tile in app.metric) == ("Exact match", "70.7%")
    assert any("evaluate" in link.proto.page for link in app.get("page_link"))
    assert f"test_{first.id}" in keys(app)


def test_the_code_has_the_name_and_the_address_of_the_api(versions: list[ModelRecord], open_screen, read) -> None:
    first, _ = versions
    app = open_screen("models", id=first.id)
    read(app)
    shown = [code.value for code in app.code]
    assert [tab.label for tab in app.tabs] == [language.title for language in from_code.LANGUAGES]
    assert all("support-v1" in text and from_code.base_url() in text for text in shown)
    models.archive([first.id])
    assert open_screen("models", id=first.id).code == []


def test_live_figures_are_shown_where_the_process_responds(
    versions: list[ModelRecord], open_screen, read, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = ServingFigures(3, 1, 12, 48.6, 0.2, 2**30, ("Starter", "Support *v1*"))
    monkeypatch.setattr(live, "figures", lambda: busy)
    app = open_screen("models")
    said = read(app)
    assert [tile.value for tile in app.metric] == ["3", "49", "12", "1.0 GB"]
    assert md("Support *v1*") in said
    monkeypatch.setattr(live, "figures", lambda: None)
    app = open_screen("models")
    read(app)
    assert "live_serving" not in keys(app)
    assert not app.metric


@pytest.mark.parametrize(
    ("opened", "idle_s", "busy", "quiet"),
    [
        (1, None, True, False),
        (0, 5.0, True, False),
        (0, 100.0, False, True),
        (0, 5000.0, False, False),
        (0, None, False, False),
    ],
)
def test_what_is_idle_for_long_is_not_polled(opened: int, idle_s: float | None, busy: bool, quiet: bool) -> None:
    found = ServingFigures(opened, 0, 0, 0.0, idle_s, 0, ())
    assert (found.is_busy, found.is_quiet) == (busy, quiet)
