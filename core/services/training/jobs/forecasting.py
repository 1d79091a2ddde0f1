"""The forecast before launch: lengths, measured speeds, the provider's estimate, and where to serve the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from core.errors import DataError, SettingsError
from core.models import base_models
from core.models.base_models.records import BaseModelRef
from core.models.methods import Method
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import store
from core.platform.tasks.announce import announce
from core.platform.tasks.records import TaskRecord
from core.services.data import datasets
from core.services.platform import tasks
from core.services.training import starter
from core.services.training.jobs.lengths import lengths_of, notes_of, refusals_of, sample_tokens
from core.services.training.jobs.records import Forecast, ServingPlace
from core.services.training.jobs.spec_builder import freeze, method_config, training_config, usable
from core.services.training.jobs.speeds import calibration_key, fastest_batch, measured_speed
from core.serving.targets import TARGETS, answering
from core.training import engines, precision as precisions
from core.training.forecast import device as devices, rough
from core.training.forecast.interruption import resume_warning
from core.training.forecast.lengths import Lengths, consequences, counted
from core.training.forecast.refusals import Refusals
from core.training.forecast.time import CostForecast, forecast_cost
from core.training.jobs.resolve import resolve
from core.training.jobs.spec import AUTO, ResolvedTraining
from core.training.providers import DEFAULT_PROVIDER, PROVIDERS, Estimate, Workload


def forecast(
    dataset_id: str,
    base_model: str,
    method: str,
    method_settings: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    engine: str = engines.AUTO,
    provider: str = DEFAULT_PROVIDER,
) -> Forecast:
    """Everything to know before launch.

    Raises:
        NotFound: no such dataset, base model, method or engine. SettingsError: a setting, or an engine, that cannot
            work.
        DataError: the base model's files are not here, so its shape is unknown; names the command that downloads
            them.
    """
    base = base_models.resolve(base_model)
    if base.dims is None:
        raise DataError(base.reason, f"Run: {base.command}" if base.command else "", code="base_model")
    tuner = method_config(base, method, method_settings)
    version = datasets.get_dataset(dataset_id).version
    asked = training_config(training)
    refusals = refusals_of(version.id, base)
    spans = lengths_of(version.id, base, asked.on_refusal, refusals)
    lengths = spans if asked.completion_only_loss else spans.with_loss_everywhere()
    resolved, sources = resolve(
        asked, base, method, lengths.examples, longest_tokens=lengths.ceiling, counted_by=lengths.counted_by
    )
    _check_readable(base, resolved, lengths)
    device = devices.detect()
    chosen = engines.choose(engine, tuner)
    precision = precisions.choose(resolved.precision, device.kind, base.revision, precisions.work_of(tuner))
    key = calibration_key(base, tuner, resolved, device.kind, chosen.engine, precision.precision)
    speed = measured_speed(key, base, method, device.kind, precision.precision)
    load = Workload(
        base=base,
        method=tuner,
        training=resolved,
        counted=spans,
        train_examples=lengths.examples,
        validation_examples=version.validation_examples,
        speed=speed,
        precision=precision,
        sample_tokens=sample_tokens(version.id, base, resolved.sample_answers),
    )
    if asked.per_device_batch_size == asked.gradient_accumulation_steps == AUTO:
        load, source = _examples_at_once(load, provider, fastest_batch(key))
        resolved, sources = load.training, sources | source
        key = calibration_key(base, tuner, resolved, device.kind, chosen.engine, precision.precision)
        load = replace(load, speed=measured_speed(key, base, method, device.kind, precision.precision))
    needs = PROVIDERS.get(provider).estimate(load)
    over, lost = lengths.over(resolved.max_seq_length), lengths.answers_lost(resolved.max_seq_length)
    return Forecast(
        training=resolved,
        sources=sources,
        trainable_params=tuner.trainable_params(base.dims),
        params=base.dims.params,
        memory=needs.memory,
        time=needs.time,
        cost=needs.cost,
        disk=needs.disk,
        lengths=lengths,
        refusals=refusals,
        over_length=over,
        answers_lost=lost,
        total_tokens=load.total_tokens,
        serving=serving(base, tuner),
        warnings=(*_warnings(resolved, needs, lengths, refusals, precision), *notes_of(version.id, base)),
        calibration_key=key,
        engine=chosen,
        precision=precision,
    )


def rough_time(forecast: Forecast) -> tuple[float, float] | None:
    """The range of seconds that a run may take on this processor, until a time was measured; None on a GPU, whose speed
    only real steps show."""
    if devices.detect().kind != "cpu":
        return None
    steps, frozen = forecast.training.total_steps, forecast.trainable_params < forecast.params
    return rough.rough_time(forecast.params, forecast.total_tokens, steps, frozen=frozen)


def time_range(forecast: Forecast) -> tuple[float, float] | None:
    """The range of seconds that a run takes: measured, else rough; None where it is not known."""
    low, high = forecast.time.low_s, forecast.time.high_s
    return (low, high) if low is not None and high is not None else rough_time(forecast)


def cost_range(forecast: Forecast) -> CostForecast | None:
    """What a run here costs, from its measured time, else from the rough one; None without a price or a time."""
    known = time_range(forecast)
    return forecast.cost or (forecast_cost(*known) if known else None)


def _examples_at_once(load: Workload, provider: str, fastest: int) -> tuple[Workload, dict[str, str]]:
    """The number of examples at once that an earlier run measured as the fastest here (0: none did), or else those that
    the first steps may try; of both, what fits in memory. And the source of the batch size, if it changes."""
    training = load.training
    own, effective = training.per_device_batch_size, training.effective_batch_size
    sizes = training.model_copy(update={"largest_batch": effective}).batch_sizes
    for size in reversed([size for size in sizes if size > own and (not fastest or size <= fastest)]):
        tried = training.with_batch(size) if fastest else training.model_copy(update={"largest_batch": size})
        larger = replace(load, training=tried)
        if PROVIDERS.get(provider).estimate(larger).memory.verdict == "fits":
            if fastest:
                return larger, {"per_device_batch_size": "measured on this machine: the fastest"}
            return larger, {
                "per_device_batch_size": f"to start with; the first steps measure if up to {size} are faster"
            }
    return load, {}


def _check_readable(base: BaseModelRef, training: ResolvedTraining, lengths: Lengths) -> None:
    """Check that no example is longer than the base model's last position: it has not learned positions beyond.

    A maximum length above that is harmless as long as no example needs it.

    Raises:
        SettingsError: an example that is trained on is longer.
    """
    most = base.dims.max_position_embeddings if base.dims else 0
    if not (most and base.ready) or training.max_seq_length <= most:
        return
    left_out = training.max_seq_length if training.over_length == "drop" else None
    kept = (length for length, _ in lengths.spans if left_out is None or length <= left_out)
    if beyond := sum(length > most for length in kept):
        raise SettingsError(
            f"max_seq_length = {training.max_seq_length:,} is more than the context length of {base.title} "
            f"({most:,} tokens), and {counted(beyond)} longer than that.",
            f"Set the maximum length to {most:,} or less, or choose a base model with a longer context length.",
        )


def serving(base: BaseModelRef, method: Method) -> tuple[ServingPlace, ...]:
    """Where the result could be served: every target, the studio first."""
    here = {target.id for target in answering()}
    verdicts = ((target, target.can_serve(base, method)) for target in TARGETS)
    return tuple(ServingPlace(one.title, verdict.ok, verdict.reason, one.id in here) for one, verdict in verdicts)


def _warnings(
    training: ResolvedTraining,
    needs: Estimate,
    lengths: Lengths,
    refusals: Refusals,
    precision: precisions.PrecisionChoice,
) -> tuple[str, ...]:
    warnings = [f"{refusals.text} {refusals.consequence(training.on_refusal)}"] if refusals.count else []
    warnings += [precision.warning] if precision.warning else []
    warnings += [part.text for part in (needs.memory, needs.disk) if part.verdict != "fits"]
    warnings += consequences(lengths, training.max_seq_length, training.over_length)
    if not training.checkpoints_follow_time and (
        resume := resume_warning(training.total_steps, training.save_every_steps, needs.time)
    ):
        warnings.append(resume)
    return tuple(warnings)


def calibrate(
    dataset_id: str,
    base_model: str,
    method: str,
    method_config: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    engine: str = engines.AUTO,
) -> TaskRecord:
    """Measure a few real steps on this machine, as a background task; afterwards `forecast` knows the time.

    The same choices return the same task until it has run; a failed one is retried.
    """
    dataset, base = datasets.get_dataset(dataset_id), usable(base_models.resolve(base_model))
    outlook = forecast(dataset.id, base.id, method, method_config, training, engine)
    spec = freeze(dataset, base, method, method_config, outlook)
    needed = starter.ensure() if base.buildable and not base.ready else None
    with UnitOfWork() as uow:
        task, _ = store.create(
            uow,
            kind="calibration",
            title=f"Measure {base.title} on “{dataset.name}”",
            payload={"key": outlook.calibration_key, "spec": spec.model_dump(mode="json")},
            idempotency_key=f"calibration:{outlook.calibration_key}:{dataset.version.id}",
            after_task_id=needed.id if needed else None,
        )
        uow.commit()
    if task.state in ("failed", "cancelled"):
        return tasks.request(task.id, "retry")
    announce(task.id)
    return task
