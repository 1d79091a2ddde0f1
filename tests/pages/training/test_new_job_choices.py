"""What helps to choose in a new job: methods by color, what fits here, a search, and the usual values of parameters."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.models.methods import METHODS
from core.services.platform import drafts
from core.services.training import choices, fitting, jobs
from core.training.forecast.device import Device
from core.training.forecast.time import FASTER, TimeForecast
from pages.training._new_job import forecast as job_forecast, method_cards
from pages.ui.methods import method_md
from tests.pages.conftest import keys
from tests.support import runs
from tests.support.screens import part


@pytest.fixture
def draft(studio_env: object) -> drafts.DraftRecord:
    return drafts.create("job", {"dataset_id": runs.dataset().id}, step="model")


def machine(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr("core.training.forecast.device.detect", lambda: Device("cpu", "CPU", free, free))


def test_the_cards_fill_an_even_grid_with_the_recommended_method_first(draft, open_screen, read) -> None:
    app = open_screen("new_job", draft=draft.id)
    read(app)
    picks = [button.key for button in app.button if button.key.startswith("pick_method_")]
    first = choices.recommended_method().id
    assert picks == [f"pick_method_{id}" for id in (first, *(id for id in METHODS.ids() if id != first))]
    for method in METHODS:
        assert f":{method.color}[{method.icon}]" in part(
            app, f"{'on' if method.id == first else 'off'}_method_{method.id}"
        )


def test_a_method_has_its_color_on_the_screen_of_a_job(open_screen, read) -> None:
    job = runs.launch(runs.dataset())
    assert method_md("lora") in read(open_screen("job", id=job.id))
    assert method_md("gone", "An old *method*") == r"An old \*method\*"


def test_only_measured_times_say_that_a_method_is_faster_than_the_recommended_one(
    draft, open_screen, read, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = "Even faster than LoRA"
    assert claim not in read(open_screen("new_job", draft=draft.id))
    measured = job_forecast.of

    def timed(given):
        seconds = 50.0 if given["method"] == "prefix_tuning" else 100.0
        return replace(measured(given), time=TimeForecast(0.8 * seconds, 1.25 * seconds, "", (("steps", seconds),)))

    monkeypatch.setattr(method_cards.job_forecast, "of", timed)
    app = open_screen("new_job", draft=draft.id)
    read(app)
    assert claim in part(app, "off_method_prefix_tuning")
    assert claim not in part(app, "off_method_qlora")


def test_a_time_is_faster_only_beyond_the_usual_difference() -> None:
    usual = TimeForecast(80, 125, "", (("steps", 100.0),))
    for seconds, faster in ((100 * FASTER, True), (100 * FASTER + 1, False)):
        assert TimeForecast(1, 2, "", (("steps", seconds),)).is_faster_than(usual) is faster
    assert not TimeForecast(None, None, "").is_faster_than(usual)
    assert not usual.is_faster_than(TimeForecast(None, None, ""))


def test_base_models_are_searched_and_say_whether_they_fit(draft, open_screen, read, monkeypatch) -> None:
    machine(monkeypatch, 6 * 2**30)
    by_id = {base.id: fitting.fit_of(base) for base in jobs.catalog()[1]}
    large, small = "meta-llama/Llama-2-7b-chat-hf", "Qwen/Qwen2.5-0.5B-Instruct"
    assert by_id[large].verdict == "too_large"
    assert by_id[small].verdict == "fits"
    app = open_screen("new_job", draft=draft.id)
    read(app)
    assert "too large here" in part(app, f"away_{large}")
    assert "fits here" in part(app, f"away_{small}")
    app.text_input(key="search_bases").set_value("qwen 0.5b").run()
    assert {key for key in keys(app) if key.startswith("away_")} == {f"away_{small}"}
    app.text_input(key="search_bases").set_value("").run()
    app.toggle(key="fitting_bases").set_value(True).run()
    read(app)
    assert f"away_{large}" not in keys(app)


def test_a_larger_machine_fits_more_and_quantizing_counts() -> None:
    base = choices.resolve("Qwen/Qwen2.5-7B-Instruct")

    def verdict(free: int) -> str:
        with pytest.MonkeyPatch.context() as patch:
            machine(patch, free * 2**30)
            return fitting.fit_of(base).verdict

    assert [verdict(free) for free in (4, 16, 64)] == ["too_large", "only_with", "fits"]


def test_parameters_show_their_usual_values_and_why_epochs_differ(draft, open_screen, read) -> None:
    app = open_screen("new_job", draft=draft.id)
    shown = read(app)
    for name in ("rank", "alpha", "dropout"):
        assert METHODS.get("lora").model_fields[name].json_schema_extra["note"] in shown
    assert f"General default {choices.GENERAL_EPOCHS} · raised to" in shown
    alpha = METHODS.get("lora").model_fields["alpha"].json_schema_extra["note"]
    rank = next(item for item in app.number_input if item.label == "Rank")
    rank.set_value(64).run()
    (warning,) = [item.value for item in app.caption if alpha in item.value]
    assert warning.startswith(":orange[")
    assert "0.5 × 64" in warning
