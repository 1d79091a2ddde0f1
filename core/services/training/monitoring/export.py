"""The points of a run as files: CSV with every column, and TensorBoard's own event files in a zip."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator

from core.errors import Conflict
from core.services.training import metrics
from core.services.training.jobs import reader as job_reader
from core.training.jobs.event_file import Scalars, event_file

COLUMNS = tuple(name for name in metrics.Point.__slots__ if name != "id")
_TAGS = {  # TensorBoard groups by what stands before the slash
    "loss": "loss",
    "token_accuracy": "token_accuracy",
    "learning_rate": "optimizer/learning_rate",
    "grad_norm": "optimizer/grad_norm",
    "tokens": "speed/tokens",
    "tokens_per_s": "speed/tokens_per_s",
    "mfu": "speed/mfu",
    "memory_bytes": "memory/bytes",
    "memory_reserved_bytes": "memory/reserved_bytes",
    "gpu_utilization": "gpu/utilization_percent",
    "gpu_temperature_c": "gpu/temperature_c",
    "gpu_power_w": "gpu/power_w",
    "epoch": "epoch",
}


def metrics_csv(job_id: str) -> bytes:
    """Every point, one a line, oldest step first; empty cells where nothing was measured. Raises NotFound."""
    job_reader.get_job(job_id)
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows([getattr(point, name) for name in COLUMNS] for point in metrics.all_points(job_id))
    return out.getvalue().encode()


def metrics_tensorboard(job_id: str) -> bytes:
    """A zip with two runs, `<job>/train` and `<job>/validation`: unpack it and name the folder to `--logdir`.

    Raises:
        NotFound: no such job. Conflict: nothing is measured yet; an empty zip could not be unpacked.
    """
    job = job_reader.get_job(job_id)
    points = metrics.all_points(job_id)
    if not points:
        raise Conflict(f"“{job.name}” is {job.state} and has measured nothing yet.", "The first step brings points.")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for split in ("train", "validation"):
            rows = [point for point in points if point.split == split]
            if rows:
                began = int(rows[0].created_at)
                archive.writestr(f"{job.id}/{split}/events.out.tfevents.{began}.sft-studio", event_file(_scalars(rows)))
    return out.getvalue()


def _scalars(points: list[metrics.Point]) -> Iterator[Scalars]:
    for point in points:
        found = ((tag, getattr(point, name)) for name, tag in _TAGS.items())
        values = {tag: float(value) for tag, value in found if value is not None}
        yield Scalars(point.created_at, point.step, values)
