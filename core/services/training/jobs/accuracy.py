"""Forecast and measured: of one run, and over the last ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import select

from core.platform.db.tables import JOBS, TASKS
from core.platform.db.uow import read
from core.services.training.jobs.records import DURATION, Comparison, JobRecord, RangeRecord, TrackRecord
from core.text import duration, size

LAST_RUNS: Final = 10


def compare(forecast: Mapping[str, Any], measured: Mapping[str, Any], took_s: float | None) -> list[Comparison]:
    """Forecast and measured side by side, for what both contain: time, peak memory, tokens, steps, disk, the model.

    Args:
        took_s: the run's duration, which its screen and the lists show; None if it is not known.
    """
    complete = _to_the_end(forecast, measured)
    lines = [_time(forecast, measured, took_s), _memory(forecast, measured)]
    for name, asked, found in (("Tokens trained", "total_tokens", "tokens"), ("Steps", "total_steps", "steps")):
        if measured.get(found) and forecast.get(asked):
            error = _miss(forecast[asked], measured[found])
            line = Comparison(name, f"{forecast[asked]:,}", f"{measured[found]:,}", abs(error) <= 0.02, error)
            lines.append(line if complete else replace(line, within=None, error=None))
    if measured.get("disk_bytes") and forecast.get("disk_bytes"):
        most, found = forecast["disk_bytes"], measured["disk_bytes"]
        lines.append(Comparison("Disk", f"up to {size(most)}", size(found), found <= most))
    if measured.get("model_bytes") and forecast.get("model_bytes"):
        error = _miss(forecast["model_bytes"], measured["model_bytes"])
        expected, actual = size(forecast["model_bytes"]), size(measured["model_bytes"])
        lines.append(Comparison("Size of the model", expected, actual, abs(error) <= 0.1, error))
    return [line for line in lines if line is not None]


def forecast_and_measured(job: JobRecord) -> list[Comparison]:
    """Forecast and measured side by side; [] before the run is over."""
    if not job.is_terminal:  # an interrupted run measured a part of itself
        return []
    return compare(job.forecast, _with_attempts(job.measured, job.attempt), job.duration_s)


def track_record() -> TrackRecord:
    """How often the last runs stayed in the ranges of their forecasts."""
    query = (
        select(JOBS.c.forecast, JOBS.c.measured, TASKS.c.attempt, TASKS.c.finished_at - TASKS.c.started_at)
        .join(TASKS, TASKS.c.id == JOBS.c.task_id)
        .where(JOBS.c.measured["steps"].is_not(None))
        .order_by(JOBS.c.created_at.desc())
        .limit(3 * LAST_RUNS)
    )
    distances: dict[str, list[float]] = {}
    for forecast, found, attempt, took_s in read(query):
        measured = _with_attempts(found, attempt)
        for line in (_memory(forecast, measured), _time(forecast, measured, took_s)):
            of_kind = distances.setdefault(line.name, []) if line and line.outside is not None else []
            if line and line.outside is not None and len(of_kind) < LAST_RUNS:
                of_kind.append(line.outside)
    return TrackRecord(
        tuple(
            RangeRecord(name, len(found), sum(not distance for distance in found), max(found, key=abs))
            for name, found in distances.items()
        )
    )


def _with_attempts(measured: Mapping[str, Any], attempt: int) -> Mapping[str, Any]:
    """A run that was tried again: its duration contains what came before."""
    return {**measured, "resumed": measured.get("resumed") or attempt - 1} if measured else measured


def memory_miss(forecast: Mapping[str, Any], measured: Mapping[str, Any]) -> float | None:
    """By how much the forecast missed the memory that the run added to its process; None if one is unknown."""
    asked, peak = forecast.get("memory_above_baseline"), measured.get("peak_memory_bytes")
    if not (asked and peak):
        return None
    above = peak - measured.get("baseline_memory_bytes", 0)
    return _miss(asked, above) if above > 0 else None


def time_miss(forecast: Mapping[str, Any], measured: Mapping[str, Any], took_s: float | None) -> float | None:
    """By how much the forecast missed the duration of a run that was not interrupted and made all its steps."""
    asked = forecast.get("time_expected_s")
    counts = not measured.get("resumed") and _to_the_end(forecast, measured)
    return _miss(asked, took_s) if asked and took_s and counts else None


def _to_the_end(forecast: Mapping[str, Any], measured: Mapping[str, Any]) -> bool:
    """Whether every planned step was made: a run that stopped early says nothing about the forecast."""
    planned, made = forecast.get("total_steps"), measured.get("steps")
    return not (planned and made) or bool(made >= planned)


def _miss(forecast: float, measured: float) -> float:
    return forecast / measured - 1


def _time(forecast: Mapping[str, Any], measured: Mapping[str, Any], seconds: float | None) -> Comparison | None:
    if not (seconds and measured):
        return None
    low, high = forecast.get("time_low_s"), forecast.get("time_high_s")
    if not (low and high):
        return Comparison(DURATION, "not measured before", duration(seconds), None)
    expected = f"{duration(low)} to {duration(high)}"
    if not _to_the_end(forecast, measured) or measured.get("resumed"):
        return Comparison(DURATION, expected, duration(seconds), None)
    outside = _outside(seconds, low, high)
    return Comparison(
        DURATION, expected, duration(seconds), not outside, time_miss(forecast, measured, seconds), outside
    )


def _outside(value: float, low: float, high: float) -> float:
    """How far a value is above (or, negative, below) a range, as a share of its nearest end; 0 within."""
    return value / high - 1 if value > high else value / low - 1 if value < low else 0.0


def _memory(forecast: Mapping[str, Any], measured: Mapping[str, Any]) -> Comparison | None:
    peak = measured.get("peak_memory_bytes")
    if not peak or not forecast.get("memory_high"):
        return None
    low, high = forecast["memory_low"], forecast["memory_high"]
    expected = f"{size(low)} to {size(high)}"
    # the process itself may be larger or smaller than forecast; on a GPU it is not counted
    process = forecast["memory_expected"] - forecast["memory_above_baseline"] if "memory_expected" in forecast else 0
    alike = peak + process - measured.get("baseline_memory_bytes", 0) if process else peak
    outside = _outside(alike, low, high)
    return Comparison("Peak memory", expected, size(peak), not outside, memory_miss(forecast, measured), outside)
