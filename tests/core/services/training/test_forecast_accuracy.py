"""Forecast beside measured, how good the last forecasts were, and what would fit instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import StorageError
from core.services.training import jobs
from core.services.training.jobs.accuracy import compare
from core.services.training.jobs.records import DURATION, RangeRecord
from core.training.forecast.device import Device
from tests.support.jobs import launch, make_dataset, succeed
from tests.support.random_model import make_model

MB = 2**20
FORECAST = {
    "memory_low": 900 * MB,
    "memory_high": 1100 * MB,
    "memory_expected": 1000 * MB,
    "memory_above_baseline": 500 * MB,
    "time_low_s": 80,
    "time_high_s": 125,
    "time_expected_s": 100,
    "total_tokens": 1000,
    "total_steps": 10,
    "disk_bytes": 10 * MB,
    "model_bytes": 2 * MB,
}
MEASURED = {
    "train_seconds": 60.0,
    "peak_memory_bytes": 1025 * MB,
    "baseline_memory_bytes": 400 * MB,
    "tokens": 1000,
    "steps": 10,
    "disk_bytes": 8 * MB,
    "model_bytes": 2 * MB,
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "tiny")


def test_each_line_says_by_how_much_the_forecast_missed() -> None:
    lines = {line.name: line for line in compare(FORECAST, MEASURED, 80.0)}
    assert lines[DURATION].error == pytest.approx(0.25)
    assert lines["Peak memory"].error == pytest.approx(-0.2)  # of the 625 MB that the run added to its process
    assert lines["Peak memory"].outside == pytest.approx(0.0227, abs=1e-3)  # 1,125 MB with the process as forecast
    assert lines["Peak memory"].verdict == "2% above the range"
    assert (lines[DURATION].outside, lines[DURATION].verdict) == (0, "within the range")
    assert lines["Disk"].within
    assert lines["Tokens trained"].error == 0


def test_an_interrupted_run_says_nothing_of_the_forecast_time() -> None:
    lines = {line.name: line for line in compare(FORECAST, MEASURED | {"resumed": 1}, 80.0)}
    assert (lines[DURATION].within, lines[DURATION].error) == (None, None)


def test_a_run_that_was_stopped_early_is_no_miss_of_the_forecast() -> None:
    early = MEASURED | {"steps": 4, "tokens": 400}
    lines = {line.name: line for line in compare(FORECAST, early, 30.0)}
    assert [(lines[name].within, lines[name].error) for name in (DURATION, "Tokens trained", "Steps")] == [
        (None, None)
    ] * 3
    assert lines["Steps"].measured == "4"
    assert lines["Peak memory"].error is not None


def test_jobs_of_earlier_releases_are_compared_as_far_as_they_go() -> None:
    old = {"memory_low": 900 * MB, "memory_high": 1100 * MB, "time_low_s": None, "total_tokens": 1000}
    lines = {line.name: line for line in compare(old, {"train_seconds": 60.0, "peak_memory_bytes": 1000 * MB}, 61.0)}
    assert lines["Peak memory"].within
    assert lines[DURATION].forecast == "not measured before"


def test_the_last_runs_say_how_good_the_forecasts_were(studio_env: Path, model: Path) -> None:
    assert jobs.track_record().text == ""
    job = launch(make_dataset(), f"local:{model}")
    above = job.forecast["memory_above_baseline"]
    measured = {"peak_memory_bytes": 2 * above, "baseline_memory_bytes": above, "steps": 3}
    succeed(job, model, **{**measured, "peak_memory_bytes": round(1.8 * above)})
    (memory,) = jobs.track_record().kinds  # its time was not measured before
    assert (memory.name, memory.runs, memory.within) == ("Peak memory", 1, 1)
    assert jobs.track_record().text == "Peak memory was within the forecast range in the last run."


@pytest.mark.parametrize(
    ("runs", "within", "farthest", "text"),
    [
        (10, 10, 0.0, "Time was within the forecast range in all of the last 10 runs."),
        (10, 9, 0.08, "Time was within the forecast range in 9 of the last 10 runs, otherwise 8% above it."),
        (10, 7, -0.2, "Time was within the forecast range in 7 of the last 10 runs, otherwise at most 20% below it."),
    ],
)
def test_a_record_compares_with_the_range(runs: int, within: int, farthest: float, text: str) -> None:
    assert RangeRecord("Time", runs, within, farthest).text == text


def test_what_would_fit_is_forecast_and_can_be_taken(
    studio_env: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choices = (make_dataset().id, f"local:{model}", "full", None, {"per_device_batch_size": 8})
    whole = jobs.forecast(*choices)
    assert jobs.alternatives(whole, *choices) == ()  # it fits
    free = round(whole.memory.high * 1.15) - 1
    monkeypatch.setattr("core.training.forecast.device.detect", lambda: Device("cpu", "CPU", free, free))
    tight = jobs.forecast(*choices)
    assert tight.memory.verdict == "tight"
    found = jobs.alternatives(tight, *choices)
    assert found[0].text.startswith("Gradient checkpointing on: ")
    assert found[0].training == {"per_device_batch_size": 8, "gradient_checkpointing": "on"}
    assert found[1].text.startswith("Batch size 4, 2 accumulated: ")
    assert found[1].training == {"per_device_batch_size": 4, "gradient_accumulation_steps": 2}
    others = [one.method for one in found if one.method != "full"]
    assert len(others) == len(set(others)), "a method that fits as it is is not offered with a smaller batch too"
    for one in found:
        then = jobs.forecast(choices[0], choices[1], one.method, one.method_config, one.training)
        assert then.memory.verdict == "fits"


def test_a_disk_that_is_too_small_refuses_the_launch(
    studio_env: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = make_dataset()
    monkeypatch.setattr("core.training.forecast.disk.free_bytes", lambda: 1000)
    assert jobs.forecast(dataset.id, f"local:{model}", "lora").disk.verdict == "too_large"
    with pytest.raises(StorageError, match="disk has"):
        launch(dataset, f"local:{model}")
    assert jobs.list_jobs() == []
