"""Speeds measured on this machine, by the settings they depend on: written by runs, read by the forecast."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from core.models import base_models
from core.models.base_models.records import BaseModelRef
from core.models.methods import Method
from core.models.methods.base import recomputes
from core.platform.db.tables import CALIBRATIONS, Calibration
from core.platform.db.uow import UnitOfWork, read
from core.services.training.jobs.spec_builder import method_config
from core.training.forecast import device as devices
from core.training.forecast.time import Speed
from core.training.jobs.spec import JobSpec, ResolvedTraining
from core.training.precision import usual
from core.training.sample_prompts import AnswerSpeed


def calibration_key(
    base: BaseModelRef,
    method: Method,
    training: ResolvedTraining,
    device: str,
    engine: str = "trl",
    precision: str = "",
) -> str:
    """A hash of what a measured speed depends on: base, method and its settings, batch, length, device, engine and
    precision."""
    parts: dict[str, Any] = {
        "base": [base.id, base.revision],
        "method": [method.id, method.model_dump(mode="json")],
        "batch": [training.per_device_batch_size, training.gradient_accumulation_steps],
        "length": training.max_seq_length,
        "device": device,
    }
    params = base.dims.params if base.dims else 0
    if recomputes(params, method, training.gradient_checkpointing) != recomputes(params, method, "auto"):
        parts["checkpointing"] = training.gradient_checkpointing
    if engine != "trl":  # trl is left out, so that speeds measured before there were two engines still count
        parts["engine"] = engine
    if precision and precision != usual(device):  # and speeds measured before there were two precisions
        parts["precision"] = precision
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def measured_speed(key: str, base: BaseModelRef, method_id: str, device: str, precision: str = "") -> Speed | None:
    """The speed measured with the same settings, or else with similar ones (same base, method, device, precision)."""
    newest = select(CALIBRATIONS).where(CALIBRATIONS.c.device == device).order_by(CALIBRATIONS.c.created_at.desc())
    rows = [row._mapping for row in read(newest.limit(200))]
    same = [row for row in rows if row["key"] == key]
    wanted = (base.id, method_id, precision or usual(device))
    alike = [row for row in rows if _likeness(row["details"], device) == wanted]
    if not (same or alike):
        return None
    row = (same or alike)[0]
    details = row["details"]
    ran = details.get("from") == "run"
    answering = (row["details"].get("answer_speed") or {} for row in (*same, *alike))
    answers = next((AnswerSpeed(**found) for found in answering if found.get("token_s")), None)
    steps_s = float(details.get("seconds_per_step") or 0.0)
    load_s = float(details.get("load_s") or row["overhead_s"])
    between_s, busy_s = float(details.get("between_s") or 0.0), float(details.get("busy_s") or 0.0)
    return Speed(
        tokens_per_s=row["tokens_per_s"],
        load_s=load_s,
        first_step_s=0.0 if ran else max(0.0, row["overhead_s"] - load_s - steps_s),
        checkpoint_s=float(details.get("checkpoint_s") or 0.0),
        other_s=max(0.0, row["overhead_s"] - between_s) if same and ran and details.get("whole") else None,
        between_share=between_s / busy_s if busy_s else 0.0,
        answers=answers,
        likeness="same" if same else "similar",
        # a calibration rarely includes the widest batch of a run, so its peak says little
        peak_memory_bytes=row["peak_memory_bytes"] if ran else 0,
    )


def fastest_batch(key: str) -> int:
    """How many examples at once a run with these settings measured as the fastest; 0 if none did."""
    rows = read(select(CALIBRATIONS).where(CALIBRATIONS.c.key == key))
    return int(rows[0]._mapping["details"].get("examples_at_once") or 0) if rows else 0


def _likeness(details: Mapping[str, Any], device: str) -> tuple[Any, ...]:
    """What rows of similar work share; those without a precision are from before there were two."""
    return details.get("base_model"), details.get("method"), details.get("precision") or usual(device)


def record_speed(uow: UnitOfWork, spec: JobSpec, measured: Mapping[str, Any]) -> None:
    """Store a finished run's speed as the newest measurement of its settings, inside the caller's transaction.

    If the run measured how many examples at once are fastest, its speed is also that of the settings with that number,
    which the next job gets.
    """
    if not measured.get("tokens_per_s"):
        return
    base = base_models.resolve(spec.base_model)
    kind = devices.detect().kind
    method = method_config(base, spec.method, spec.method_config)
    precision = str(measured.get("precision") or usual(kind))
    busy = measured["tokens"] / measured["tokens_per_s"] if measured.get("tokens") else 0.0
    complete = bool(measured.get("total_seconds")) and not measured.get("resumed")  # else part of its time is unknown
    about = {"base_model": spec.base_model, "method": spec.method, "precision": precision}
    details = {**about, "from": "run", "whole": complete}
    if "between_seconds" in measured:
        details |= {"between_s": measured["between_seconds"], "busy_s": busy, "load_s": measured["load_seconds"]}
    trainings = [spec.training]
    if spec.training.largest_batch and (fastest := measured.get("examples_at_once")):
        details["examples_at_once"] = fastest
        trainings.append(spec.training.with_batch(fastest))
    for training in trainings:
        key = calibration_key(base, method, training, kind, spec.engine, precision)
        before = uow.session.get(Calibration, key)
        details["answer_speed"] = measured.get("answer_speed") or (before and before.details.get("answer_speed"))
        uow.session.merge(
            Calibration(
                key=key,
                device=kind,
                tokens_per_s=float(measured["tokens_per_s"]),
                overhead_s=max(0.0, float(measured.get("total_seconds") or busy) - busy),
                peak_memory_bytes=int(measured.get("peak_memory_bytes") or 0),
                details=dict(details),
                created_at=time.time(),
            )
        )
