"""The forecast before launch, put together: lengths, measured speeds, memory, disk, and who could serve the result."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from pydantic import ValidationError
from sqlalchemy import select

from core.errors import DataError, SettingsError, StorageError
from core.messages import Example
from core.models import base_models, methods
from core.models.base_models.light_tokenizer import load_tokenizer
from core.models.base_models.records import BaseModelRef
from core.models.methods import Method
from core.models.methods.base import recomputes
from core.models.render import render
from core.platform.db.tables import Calibration
from core.platform.db.uow import UnitOfWork
from core.platform.storage import get_storage
from core.services.data import datasets
from core.services.training.jobs.records import Forecast, Serving
from core.serving.targets import TARGETS
from core.serving.targets.servability import facts
from core.training import engines
from core.training.forecast import device as devices
from core.training.forecast.batches import Widest, widest
from core.training.forecast.cost import forecast_cost
from core.training.forecast.disk import KEPT_CHECKPOINTS, DiskForecast, forecast_disk
from core.training.forecast.interruption import resume_warning
from core.training.forecast.lengths import Lengths, Span, consequences, estimate_span, most_tokens
from core.training.forecast.memory import forecast_memory
from core.training.forecast.time import Speed, Work, forecast_time
from core.training.jobs.resolve import resolve
from core.training.jobs.spec import ResolvedTraining, TrainingConfig

ANSWER_TOKENS: Final = 64  # of the first answer of a finished model
# Every token of an answer reads all weights once. CPU: 64 tokens of 151M parameters in 20 layers took 5.3 s on two
# cores, less LAYER_S for each layer. GPU: half the peak of HBM, not measured.
READ_BYTES_PER_S: Final = {"cpu": 9.6e9, "cuda": 5e11}
UNPACKING: Final = 2  # packed weights are unpacked for every token (measured on a CPU: 13.1 s against 5.9 s)
LAYER_S: Final = 1e-3  # what a layer takes for one token however small it is (measured on a CPU)
MAX_COUNTED: Final = 2_000  # examples that are tokenized for a forecast; larger sets are sampled evenly
_CALIBRATIONS = Calibration.__table__  # type: ignore[attr-defined]


def training_config(values: Mapping[str, Any] | None) -> TrainingConfig:
    """Checked general settings. Raises SettingsError with the setting, its value and the bound."""
    try:
        return TrainingConfig(**dict(values or {}))
    except ValidationError as error:
        raise methods.setting_error(error, "Training") from error


def method_config(base: BaseModelRef, method_id: str, values: Mapping[str, Any] | None) -> Method:
    """The method with the base's preset below a person's own settings, held against the base where it is known.

    Raises:
        NotFound: no such method. SettingsError: a setting that cannot work, or not on this base.
    """
    method = methods.build(method_id, {**base.preset(method_id).method, **dict(values or {})})
    if base.dims is not None:
        method.check(base.dims)
    return method


def forecast(
    dataset_id: str,
    base_model: str,
    method: str,
    method_settings: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    engine: str = engines.AUTO,
) -> Forecast:
    """Everything a person should know before launch.

    Raises:
        NotFound: no such dataset, base model, method or engine. SettingsError: a setting, or an engine, that cannot
            work.
        DataError: the base model's files are not here, so its shape is unknown; names the command that brings them.
    """
    base = base_models.resolve(base_model)
    if base.dims is None:
        raise DataError(base.reason, f"Run: {base.command}" if base.command else "", code="base_model")
    tuner = method_config(base, method, method_settings)
    version = datasets.get_dataset(dataset_id).version
    counted = lengths_of(version.id, base)
    asked = training_config(training)
    lengths = counted if asked.completion_only_loss else counted.with_loss_everywhere()
    resolved, sources = resolve(asked, base, method, version.train_examples, longest_tokens=lengths.ceiling)
    _check_readable(base, resolved, lengths)
    device = devices.detect()
    chosen = engines.choose(engine, tuner)
    key = calibration_key(base, tuner, resolved, device.kind, chosen.engine)
    speed = measured_speed(key, base, method, device.kind)
    peak = speed.peak_memory_bytes if speed and speed.likeness == "same" else 0
    batch = _widest(lengths.spans, resolved, tuner.packs, device.kind) if base.ready else None
    memory = forecast_memory(
        base.dims,
        tuner,
        resolved,
        device,
        batch=batch,
        longest_tokens=lengths.ceiling,
        peak_bytes=peak,
        file_bytes_per_param=base.bytes_per_param,
    )
    total_tokens = lengths.tokens_trained(resolved.max_seq_length, resolved.over_length) * resolved.num_epochs
    time = forecast_time(_work(base, tuner, resolved, total_tokens, version, device, counted), speed)
    disk = forecast_disk(base.dims, tuner, device.compute_bytes, kept=KEPT_CHECKPOINTS + resolved.keep_best)
    over, lost = lengths.over(resolved.max_seq_length), lengths.answers_lost(resolved.max_seq_length)
    return Forecast(
        training=resolved,
        sources=sources,
        trainable_params=tuner.trainable_params(base.dims),
        params=base.dims.params,
        memory=memory,
        time=time,
        cost=forecast_cost(time.low_s, time.high_s),
        disk=disk,
        lengths=lengths,
        over_length=over,
        answers_lost=lost,
        total_tokens=total_tokens,
        serving=serving(base, tuner),
        warnings=_warnings(resolved, memory.verdict, memory.text, lengths, disk, resume_warning(resolved, time)),
        calibration_key=key,
        engine=chosen,
    )


def _check_readable(base: BaseModelRef, training: ResolvedTraining, lengths: Lengths) -> None:
    """No example may reach beyond the last position that the base model was made for: what stands there is noise to it.

    A maximum length above that is harmless as long as no example needs it.

    Raises:
        SettingsError: one that is kept does.
    """
    most = base.dims.max_position_embeddings if base.dims else 0
    if not (most and base.ready) or training.max_seq_length <= most:
        return
    left_out = training.max_seq_length if training.over_length == "drop" else None
    kept = (length for length, _ in lengths.spans if left_out is None or length <= left_out)
    if beyond := sum(length > most for length in kept):
        examples = "1 example is" if beyond == 1 else f"{beyond:,} examples are"
        raise SettingsError(
            f"max_seq_length = {training.max_seq_length:,} is more than {base.title} can read: {most:,} tokens; "
            f"{examples} longer than that.",
            f"Set the maximum length to {most:,} or less, or choose a base model that reads longer texts.",
        )


@lru_cache(maxsize=64)  # asked for every method's card at every change; the spans of a version never change
def _widest_of(
    spans: tuple[Span, ...], batch: int, accumulation: int, length: int, seed: int, epochs: int, packs: bool, kind: str
) -> Widest:
    return widest(
        spans,
        batch_size=batch,
        accumulation=accumulation,
        max_seq_length=length,
        seed=seed,
        epochs=epochs,
        end_to_end=packs,
        device=kind,
    )


def _widest(spans: tuple[Span, ...], training: ResolvedTraining, packs: bool, kind: str) -> Widest:
    """The widest micro-batch of the run, laid out as the worker does."""
    batch, accumulation = training.per_device_batch_size, training.gradient_accumulation_steps
    length, seed, epochs = training.max_seq_length, training.seed, training.num_epochs
    if training.over_length == "drop":
        spans = tuple(span for span in spans if span[0] <= length)
    return _widest_of(spans, batch, accumulation, length, seed, epochs, packs, kind)


def _work(
    base: BaseModelRef,
    method: Method,
    training: ResolvedTraining,
    tokens: int,
    version: Any,
    device: devices.Device,
    lengths: Lengths,
) -> Work:
    """What the run does besides its steps; validation examples are taken to be as long as those that are learnt."""
    assert base.dims is not None
    token_s = base.dims.num_layers * LAYER_S
    token_s += base.dims.params * device.compute_bytes / READ_BYTES_PER_S[device.kind]
    if device.kind == "cpu" and "quantization" in method.load_arguments():
        token_s *= UNPACKING
    mean = tokens / max(1, training.num_epochs * version.train_examples)
    rounds = -(-training.total_steps // training.eval_every_steps)
    return Work(
        train_tokens=tokens,
        validation_tokens=round(mean * version.validation_examples * rounds),
        checkpoints=-(-training.total_steps // training.save_every_steps),
        pass_share=1 / 2 if method.peft_type is not None else 1 / 3,
        answer_s=ANSWER_TOKENS * token_s,
        sample_s=_sample_tokens(training, lengths) * token_s,
        measured_tokens=round(mean * (version.train_examples + version.validation_examples)),
        sample_rounds=rounds + 1 if training.sample_answers or training.sample_prompts else 0,
    )


def _sample_tokens(training: ResolvedTraining, lengths: Lengths) -> int:
    """Tokens of the longest sample answer: a little more than is expected, so about twice the mean."""
    if training.sample_prompts or not lengths.spans:
        return ANSWER_TOKENS
    mean = sum(length - start for length, start in lengths.spans) / len(lengths.spans)
    return min(ANSWER_TOKENS, round(2 * mean))


def serving(base: BaseModelRef, method: Method) -> tuple[Serving, ...]:
    """Where the result could be served: the studio's targets first, then other servers as plain facts."""
    own = []
    for target in TARGETS.values():
        answer = target.can_serve(base.architecture, method.id)
        own.append(Serving(target.title, answer.ok, answer.reason, works_here=True))
    adapter = method.peft_type is not None
    elsewhere = facts(
        base.architecture,
        adapter=adapter,
        mergeable=method.mergeable,
        gguf=method.gguf,
        own_tokenizer=base.buildable,
        quantized="quantization" in method.load_arguments(),
    )
    return (*own, *(Serving(fact.target, fact.ok, fact.reason, works_here=False) for fact in elsewhere))


def lengths_of(version_id: str, base: BaseModelRef) -> Lengths:
    """Token lengths of a version's training split: exact where the base's tokenizer is here, else estimated.

    Exact counts are kept beside the version, by tokenizer and chat template (the base's revision stands for both).
    """
    version = datasets.get_version(version_id)
    if not base.ready or base.path is None:
        return _estimated(version_id, version.train_examples)
    key = _lengths_key(version.path, base)
    try:
        kept = json.loads(get_storage().read_bytes(key))
        spans = tuple((int(length), int(start)) for length, start in kept)
    except (StorageError, ValueError, TypeError):
        spans = _count(version_id, version.train_examples, base)
        with contextlib.suppress(StorageError):  # kept only to be quicker next time; the dataset may be going away
            get_storage().write_bytes(key, json.dumps(spans, separators=(",", ":")).encode())
    exact = len(spans) == version.train_examples
    longest = max((length for length, _ in spans), default=None)
    return Lengths(spans, version.train_examples, exact, ceiling=longest if exact else None)


def _lengths_key(version_path: str, base: BaseModelRef) -> str:
    return f"{version_path}/lengths-{base.revision[:16]}.json"


def keep_lengths(version_id: str, base: BaseModelRef, spans: Sequence[Span]) -> None:
    """Keep the exact counts that a run has made of its whole training split: the next forecast need not sample."""
    version = datasets.get_version(version_id)
    if len(spans) == version.train_examples:
        text = json.dumps(list(spans), separators=(",", ":"))
        with contextlib.suppress(StorageError):
            get_storage().write_bytes(_lengths_key(version.path, base), text.encode())


def _count(version_id: str, examples: int, base: BaseModelRef) -> tuple[Span, ...]:
    assert base.path is not None
    tokenizer = load_tokenizer(base.path, base.revision)
    return tuple(_span(example, tokenizer) for example in _sampled(version_id, examples))


def _span(example: Example, tokenizer: Any) -> Span:
    try:
        rendered = render(example.messages, tokenizer)
    except DataError:  # a template that refuses this conversation: the run says so; here it only has to be counted
        return estimate_span(example.messages)
    length = len(rendered.input_ids)
    return length, rendered.assistant_mask.index(1) if 1 in rendered.assistant_mask else length


@lru_cache(maxsize=32)  # versions never change
def _estimated(version_id: str, examples: int) -> Lengths:
    seen = _sampled(version_id, examples)
    spans = tuple(estimate_span(example.messages) for example in seen)
    most = max((most_tokens(example.messages) for example in seen), default=None) if len(seen) == examples else None
    return Lengths(spans, examples, exact=False, ceiling=most)


def _sampled(version_id: str, examples: int) -> list[Example]:
    stride = max(1, -(-examples // MAX_COUNTED))
    found = datasets.iter_examples(version_id, split="train")
    return [example for number, example in enumerate(found) if number % stride == 0]


def calibration_key(
    base: BaseModelRef, method: Method, training: ResolvedTraining, device: str, engine: str = "trl"
) -> str:
    """Names what a measured speed depends on: base, method with its settings, batch, length, device and engine."""
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
    if engine != "trl":  # which has no part of its own, so that what was measured before there were two still counts
        parts["engine"] = engine
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def measured_speed(key: str, base: BaseModelRef, method_id: str, device: str) -> Speed | None:
    """The speed measured with the same settings, else with similar ones (same base, method and device)."""
    newest = select(_CALIBRATIONS).where(_CALIBRATIONS.c.device == device).order_by(_CALIBRATIONS.c.created_at.desc())
    with UnitOfWork(write=False) as uow:
        rows = uow.session.connection().execute(newest.limit(200)).mappings().all()
    same = [row for row in rows if row["key"] == key]
    alike = [
        row for row in rows if (row["details"].get("base_model"), row["details"].get("method")) == (base.id, method_id)
    ]
    if not (same or alike):
        return None
    row = (same or alike)[0]
    details = row["details"]
    ran = details.get("from") == "run"
    steps_s = float(details.get("seconds_per_step") or 0.0)
    load_s = float(details.get("load_s") or row["overhead_s"])
    return Speed(
        tokens_per_s=row["tokens_per_s"],
        load_s=load_s,
        first_step_s=max(0.0, row["overhead_s"] - load_s - steps_s),
        checkpoint_s=float(details.get("checkpoint_s") or 0.0),
        other_s=row["overhead_s"] if same and ran and details.get("whole") else None,
        likeness="same" if same else "similar",
        # a calibration does not meet the widest batch of a run, so that its peak says little
        peak_memory_bytes=row["peak_memory_bytes"] if ran else 0,
    )


def _warnings(
    resolved: ResolvedTraining, verdict: str, text: str, lengths: Lengths, disk: DiskForecast, resume: str
) -> tuple[str, ...]:
    found = []
    if verdict != "fits":
        found.append(text)
    if disk.verdict != "fits":
        found.append(disk.text)
    found += consequences(lengths, resolved.max_seq_length, resolved.over_length)
    if resume:
        found.append(resume)
    return tuple(found)
