"""The points of a run as files: CSV with every metric, and TensorBoard event files in a zip."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator

from core.errors import Conflict
from core.services.training import metrics
from core.services.training.jobs import reader as job_reader
from core.text import spreadsheet_cell
from core.training.jobs.event_file import Scalars, event_file
from core.training.metrics import METRICS, Point


def metrics_csv(job_id: str) -> bytes:
    """One line per point, in the order of the steps; a metric that was not measured is empty. Raises NotFound."""
    job_reader.get_job(job_id)
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    names = METRICS.ids()
    table.writerow(("split", "step", *names, "created_at"))
    table.writerows(
        map(spreadsheet_cell, (point.split, point.step, *map(point.value, names), point.created_at))
        for point in metrics.all_points(job_id)
    )
    return out.getvalue().encode()


def metrics_tensorboard(job_id: str) -> bytes:
    """A zip with two runs, `<job>/train` and `<job>/validation`: unpack it and pass the folder as `--logdir`.

    Raises:
        NotFound: no such job. Conflict: there are no points yet; an empty zip could not be unpacked.
    """
    job = job_reader.get_job(job_id)
    points = metrics.all_points(job_id)
    if not points:
        raise Conflict(f"“{job.name}” has no metrics yet; it is {job.state}.", "They appear after the first step.")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for split in ("train", "validation"):
            rows = [point for point in points if point.split == split]
            if rows:
                started = int(rows[0].created_at)
                archive.writestr(
                    f"{job.id}/{split}/events.out.tfevents.{started}.sft-studio", event_file(_scalars(rows))
                )
    return out.getvalue()


def _scalars(points: list[Point]) -> Iterator[Scalars]:
    tags = {metric.id: metric.tag or metric.id for metric in METRICS}
    for point in points:
        values = {tag: float(value) for name, tag in tags.items() if (value := point.value(name)) is not None}
        yield Scalars(point.created_at, point.step, values)
