"""A new metric of a run is one line: a dummy is written, stored, exported and drawn."""

from __future__ import annotations

import csv
import io
import math
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.services.training import metrics, monitoring
from core.text import number
from core.training.metrics import METRICS, Point, RunMetric
from tests.core.training.jobs.test_event_file import events
from tests.support import runs
from tests.support.registry import registered
from tests.support.screens import open_page

ROWS = (("a metric of a run", "core/training/metrics.py", "core/training/metrics.py: METRICS.add(...)"),)


@pytest.fixture
def perplexity(studio_env: Path) -> Iterator[RunMetric]:
    metric = RunMetric(
        "perplexity",
        "Perplexity",
        read=lambda values: math.exp(values["loss"] or 0.0),
        tag="fit/perplexity",
        panel="run",
        better=-1,
        tile="Perplexity",
        help="e to the power of the loss.",
    )
    with registered(METRICS, metric):
        yield metric


def test_the_worker_writes_a_new_metric(perplexity: RunMetric) -> None:
    from worker.training.job import Reporter

    job = runs.launch(runs.dataset())
    reporter = Reporter(runs.begin(job, 1), job)
    reporter.on_point(Point.of("train", 2, {"loss": 0.0, "epoch": 0.1}))
    reporter.flush()
    assert [point.value("perplexity") for point in metrics.since(job.id)][-1] == 1.0


def test_the_exports_contain_a_new_metric(perplexity: RunMetric) -> None:
    job = runs.launch(runs.dataset())
    runs.begin(job, 5)
    values = [point.value("perplexity") for point in metrics.all_points(job.id) if point.split == "train"]
    rows = list(csv.DictReader(io.StringIO(monitoring.metrics_csv(job.id).decode())))
    assert [float(row["perplexity"]) for row in rows if row["split"] == "train"] == values
    with zipfile.ZipFile(io.BytesIO(monitoring.metrics_tensorboard(job.id))) as archive:
        (name,) = (name for name in archive.namelist() if "/train/" in name)
        last = events(archive.read(name))[-1]
    assert {value.tag: value.simple_value for value in last.summary.value}["fit/perplexity"] == pytest.approx(
        values[-1]
    )


def test_the_screen_of_a_job_draws_a_new_metric(perplexity: RunMetric) -> None:
    job = runs.launch(runs.dataset())
    runs.begin(job, 10)
    app = open_page("pages/training/job.py", id=job.id)
    assert "Perplexity" in [caption.value for caption in app.caption]
    last = metrics.latest([job.id])[job.id, "train"].value("perplexity")
    assert {tile.label: tile.value for tile in app.metric}["Perplexity"] == number(last)


def test_the_comparison_of_runs_offers_a_new_metric(perplexity: RunMetric) -> None:
    data = runs.dataset()
    for name in ("First", "Second"):
        runs.begin(runs.launch(data, name), 5)
    app = open_page("pages/training/jobs.py")
    assert "Perplexity" in app.segmented_control(key="compare_y").options
