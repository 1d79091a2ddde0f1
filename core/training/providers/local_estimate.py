"""The estimate of a run on this machine: memory, time, cost and disk."""

from __future__ import annotations

from functools import lru_cache, partial, reduce
from typing import Final

from core.training.cadence import ROUNDS, ROUNDS_TO_CHOOSE
from core.training.forecast.batches import Widest, widest
from core.training.forecast.device import Device
from core.training.forecast.disk import KEPT_CHECKPOINTS, forecast_disk
from core.training.forecast.lengths import Span
from core.training.forecast.memory import either, forecast_memory
from core.training.forecast.time import Work, forecast_cost, forecast_time, pass_share
from core.training.jobs.spec import ResolvedTraining
from core.training.precision import WIDTHS, usual
from core.training.providers.base import Estimate, Workload
from core.training.sample_prompts import MAX_NEW_TOKENS

# Every token of an answer reads all weights once. CPU: 64 tokens of 151M parameters in 20 layers took 5.3 s on two
# cores, less LAYER_S for each layer. GPU: half the peak of HBM, not measured.
READ_BYTES_PER_S: Final = {"cpu": 9.6e9, "cuda": 5e11}
UNPACKING: Final = 2  # packed weights are unpacked for every token (measured on a CPU: 13.1 s against 5.9 s)
LAYER_S: Final = 1e-3  # what a layer takes for one token however small it is (measured on a CPU)


def estimate(load: Workload, device: Device) -> Estimate:
    """The memory, time, cost and disk space that a run needs on a device of this machine. The base's shape is known."""
    base, method, speed = load.base, load.method, load.speed
    training = load.training.with_batch(load.training.batch_sizes[-1])  # the first steps may try so many at once
    assert base.dims is not None
    memory_in = partial(
        forecast_memory,
        base.dims,
        method,
        training,
        device,
        batch=_widest(load.lengths.spans, training, method.packs, device.kind) if base.ready else None,
        longest_tokens=load.lengths.ceiling,
        peak_bytes=speed.peak_memory_bytes if speed and speed.likeness == "same" else 0,
        file_bytes_per_param=base.bytes_per_param,
    )
    memory = reduce(either, (memory_in(precision=precision) for precision in load.precision.possible))
    time = forecast_time(_work(load, device), speed)
    disk = forecast_disk(base.dims, method, _trained_width(load, device), kept=KEPT_CHECKPOINTS + training.keep_best)
    return Estimate(memory, time, forecast_cost(time.low_s, time.high_s), disk)


def _trained_width(load: Workload, device: Device) -> int:
    """Bytes per weight that full fine-tuning saves: fp32 on a CPU, whatever it computes in."""
    return WIDTHS["fp32" if device.kind == "cpu" else load.precision.precision]


_widest_of = lru_cache(maxsize=64)(widest)  # asked for every method's card at every change


def _widest(spans: tuple[Span, ...], training: ResolvedTraining, packs: bool, kind: str) -> Widest:
    """The widest micro-batch of the run, laid out as the worker does."""
    if training.over_length == "drop":
        spans = tuple(span for span in spans if span[0] <= training.max_seq_length)
    return _widest_of(
        spans,
        batch_size=training.per_device_batch_size,
        accumulation=training.gradient_accumulation_steps,
        max_seq_length=training.max_seq_length,
        seed=training.seed,
        epochs=training.num_epochs,
        end_to_end=packs,
        device=kind,
    )


def _work(load: Workload, device: Device) -> Work:
    """What the run does besides its steps; validation examples are assumed to be as long as training examples."""
    base, method, training = load.base, load.method, load.training
    assert base.dims is not None
    saved = _trained_width(load, device)
    token_s = _token_s(load, device, saved if method.peft_type is None else WIDTHS[load.precision.precision])
    mean = load.total_tokens / max(1, training.num_epochs * load.train_examples)
    rounds = -(-training.total_steps // training.eval_every_steps)
    saves = -(-training.total_steps // training.save_every_steps)
    chooses = training.keep_best or training.early_stopping_patience > 0
    return Work(
        train_tokens=load.total_tokens,
        validation_tokens=round(mean * load.validation_examples),
        validations=0 if training.validation_follows_time else rounds,
        validation_rounds=ROUNDS_TO_CHOOSE if chooses else ROUNDS,
        checkpoints=0 if training.checkpoints_follow_time else saves,
        pass_share=pass_share(method),
        answer_s=MAX_NEW_TOKENS * _token_s(load, device, WIDTHS[usual(device.kind)]),
        sample_s=_sample_s(load, token_s),
        measured_tokens=round(mean * (load.train_examples + load.validation_examples)),
        sample_rounds=rounds + 1 if training.sample_answers or training.sample_prompts else 0,
    )


def _token_s(load: Workload, device: Device, width: int) -> float:
    """Seconds for one token of an answer, where a weight that is read has `width` bytes."""
    assert load.base.dims is not None
    dims = load.base.dims
    token_s = dims.num_layers * LAYER_S + dims.params * width / READ_BYTES_PER_S[device.kind]
    packed = device.kind == "cpu" and "quantization" in load.method.load_arguments()
    return UNPACKING * token_s if packed else token_s


def _sample_s(load: Workload, token_s: float) -> float:
    """Seconds of one round of sample answers: as measured, or at `token_s` for each token."""
    tokens = MAX_NEW_TOKENS if load.training.sample_prompts else load.sample_tokens
    measured = load.speed.answers if load.speed else None
    return measured.seconds(tokens) if measured else tokens * token_s
