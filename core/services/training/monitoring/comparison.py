"""Several runs side by side: the settings that differ, the final figures, and the best of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from core.models.methods import METHODS
from core.services.training.jobs import reader as job_reader
from core.services.training.jobs.records import DURATION, TIME_IN_STEPS, JobRecord
from core.text import duration, number
from core.training.jobs.spec import TrainingConfig
from core.training.metrics import METRICS

MAX_RUNS: Final = 8
_DERIVED = frozenset({"steps_per_epoch", "total_steps"})


@dataclass(frozen=True, slots=True)
class DifferingSetting:
    """A setting that differs between the runs; `values` in the order of the runs, None if a run does not have it."""

    name: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A final figure of each run (None: not measured). `best` are the indexes of the best ones; `write` puts a value
    into words."""

    name: str
    values: tuple[float | None, ...]
    best: tuple[int, ...]
    write: Callable[[float | None], str]


@dataclass(frozen=True, slots=True)
class Compared:
    """Runs side by side, in the requested order."""

    runs: tuple[JobRecord, ...]
    settings: tuple[DifferingSetting, ...]
    figures: tuple[Figure, ...]


def compare(job_ids: Sequence[str]) -> Compared:
    """Compare up to `MAX_RUNS` jobs. Raises NotFound."""
    runs = tuple(job_reader.get_job(job_id) for job_id in dict.fromkeys(job_ids[:MAX_RUNS]))
    return Compared(runs, _differing(runs), _figures(runs))


def _differing(runs: Sequence[JobRecord]) -> tuple[DifferingSetting, ...]:
    rows = [_settings(run) for run in runs]
    names = list(dict.fromkeys(name for row in rows for name in row))
    settings = (DifferingSetting(name, tuple(row.get(name) for row in rows)) for name in names)
    return tuple(setting for setting in settings if any(value != setting.values[0] for value in setting.values))


def _settings(run: JobRecord) -> dict[str, Any]:
    """Every setting of a run by its title in the form."""
    spec = run.spec
    out: dict[str, Any] = {
        "Dataset": run.dataset_name,
        "Dataset version": spec.dataset_version_id,
        "Base model": run.base_title,
        "Method": run.method_title,
        "Engine": spec.engine,
    }
    if spec.hosted:
        return out | {"Provider": spec.hosted.connection} | dict(spec.hosted.hyperparameters)
    fields = METHODS.get(run.method).model_fields if run.method in METHODS else {}
    for name, value in spec.method_config.items():
        out[(fields[name].title if name in fields else None) or name] = value
    for name, value in spec.training.model_dump().items():
        if name not in _DERIVED:
            field = TrainingConfig.model_fields.get(name)
            out[(field.title if field else None) or name] = value
    return out


def _figures(runs: Sequence[JobRecord]) -> tuple[Figure, ...]:
    """The compared metrics, time and steps; a figure that no run has is left out."""
    rows: list[tuple[str, Callable[[float | None], str], int, list[float | None]]] = []
    for metric in METRICS:
        if metric.better:
            trained = [run.final(metric) for run in runs]
            held_out = [run.final_validation(metric) for run in runs]
            rows.append((metric.final_name, metric.write, metric.better, trained))
            rows.append((metric.final_validation_name, metric.write, metric.better, held_out))
    rows.append((DURATION, duration, -1, [run.duration_s if run.is_terminal else None for run in runs]))
    rows.append((TIME_IN_STEPS, duration, -1, [run.measured.get("train_seconds") for run in runs]))
    rows.append(("Steps", number, 0, [run.step or None for run in runs]))
    return tuple(
        Figure(name, tuple(values), _best(values, better), write)
        for name, write, better, values in rows
        if any(value is not None for value in values)
    )


def _best(values: Sequence[float | None], better: int) -> tuple[int, ...]:
    """Indexes of the best values: the highest (1), the lowest (-1), or none if neither is better (0)."""
    known = [better * value for value in values if value is not None]
    if not better or len(known) < 2 or min(known) == max(known):
        return ()
    return tuple(i for i, value in enumerate(values) if value is not None and better * value == max(known))
