"""One run, without a database or queue: examples in, an adapter or a model directory out (`library` is easier to use).

    from worker.training.run import train
    result = train(model_dir, examples, build("lora"), training, output_dir)

`train` can be called again with the same output directory: it resumes from the newest checkpoint that verifies.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from core.messages import Example
from core.models.base_models.local_folder import inspect
from core.models.methods.base import Method
from core.training.cadence import Kind, TimeBudget
from core.training.jobs.spec import ResolvedTraining
from core.training.precision import PrecisionChoice, work_of
from core.training.sample_prompts import AnswerSpeed
from worker.training import checkpoints, example_losses, precision, quantization, resume_state, runtime, tuners
from worker.training.data import Prepared, prepare
from worker.training.early_stopping import Best
from worker.training.engines import Ended, EngineModule, Plan, Watching, import_engine
from worker.training.example_losses import Measured
from worker.training.model_files import load_tokenizer, save_model
from worker.training.runtime import reporting_out_of_memory
from worker.training.samples import Sampling, answer_at, choose, measure_speed

Status = Literal["finished", "early_stopped", "stopped", "paused", "cancelled", "released"]
_STATUS: dict[str, Status] = {
    "": "finished",
    "early": "early_stopped",
    "stop": "stopped",
    "pause": "paused",
    "cancel": "cancelled",
    "shutdown": "released",
}


@dataclass(frozen=True, slots=True)
class TrainResult:
    """The result of a run. `model_dir` is set if there is a model (finished, or stopped by early stopping or a user).

    `step` is the last one done; `kept_step` the one whose weights the model has, with its `loss` and `validation_loss`.
    They differ if the best checkpoint is used.

    `tokens` are non-pad tokens and `train_seconds` seconds inside steps, both over all parts of a resumed run;
    `peak_memory_bytes` is that of this process, `baseline_memory_bytes` its memory before the model was loaded.
    """

    status: Status
    step: int
    epoch: float
    loss: float | None
    validation_loss: float | None
    tokens: int
    train_seconds: float
    load_seconds: float
    peak_memory_bytes: int
    baseline_memory_bytes: int
    device: str  # cpu or cuda
    resumed_from: int  # step; 0 for a run from the start
    truncated: int
    dropped: int
    refused: int
    trainable_params: int
    precision: PrecisionChoice
    model_dir: Path | None = None
    kept_step: int = 0
    last_validation_loss: float | None = None  # of the last step
    validation_examples: int = 0  # that a validation used, of `validation_of`
    validation_of: int = 0
    examples_at_once: int = 0  # see `Ended`
    between_seconds: float = 0.0  # in validations, checkpoints, sample answers and losses by example
    example_losses: Measured | None = None
    answer_speed: AnswerSpeed | None = None  # of the sample answers with the final weights


def train(
    model_dir: Path,
    examples: Sequence[Example],
    method: Method,
    training: ResolvedTraining,
    output_dir: Path,
    *,
    engine: str = "trl",
    watching: Watching | None = None,
    max_steps: int | None = None,
    token_cache: Path | None = None,
    revision: str = "",
) -> TrainResult:
    """Fine-tune the model of a local directory on examples.

    Args:
        model_dir: config, tokenizer with chat template, safetensors weights.
        examples: those of the split `train` are trained on; those of `validation` measure the validation loss.
        output_dir: for `checkpoints/` and, at the end, `model/` (the adapter, or all weights, and the tokenizer).
        max_steps: end after this many steps, for a calibration.
        token_cache: a folder that stores tokens between runs.
        revision: of the model's files; with it, what *auto* measures to choose the precision is stored for later runs.

    Raises:
        DataError: nothing is left to train on. Diverged: the loss became NaN, or diverged; checkpoints from before
        that are not removed. OutOfMemory: names what to change.
        StorageError: a checkpoint could not be written. TrainingError: the base model cannot be loaded.
    """
    watching = watching or Watching()
    with reporting_out_of_memory(training, method, sum(example.split == "train" for example in examples)):
        began = time.perf_counter()
        runs = import_engine(engine)  # first: unsloth must be imported before transformers
        quiet()
        tokenizer = load_tokenizer(model_dir)
        data = prepare(
            examples,
            tokenizer,
            max_seq_length=training.max_seq_length,
            completion_only_loss=training.completion_only_loss,
            over_length=training.over_length,
            on_refusal=training.on_refusal,
            cache=token_cache,
            progress=watching.on_preparing,
        )
        baseline = runtime.memory_bytes(runtime.device())
        resume_from, damaged = checkpoints.find(output_dir / "checkpoints")
        if resume_from:
            settled = precision.begun_with(resume_from)
        else:
            trial = partial(_trial, model_dir, method, training, runs, data)
            settled = precision.settle(
                training.precision, revision, work_of(method), trial, sign_of_life=watching.sign_of_life
            )
        watching.on_precision(settled)
        training = training.model_copy(update={"precision": settled.precision})
        runtime.seed_all(training.seed)  # before the tuner initializes its weights
        model = runs.load(model_dir, method, training)
        trainable_params = sum(p.numel() for p in tuners.trainable(model).values())
        tokens = data.train_tokens / len(data.train) * training.effective_batch_size
        runtime.use_cores(step_flop=6 * quantization.params(model) * tokens)  # forward 2, backward 4
        resumed_step = checkpoints.step_of(resume_from) if resume_from else 0
        if damaged:
            watching.on_passed_over(damaged, resumed_step)
        if resume_from is None:
            tuners.start(model, method, [item.input_ids for item in data.train], training.seed)
        sampling = None
        if watching.on_samples is not None and max_steps is None:
            sampling = Sampling(choose(examples, training, tokenizer), watching.on_samples)
        saved = output_dir / "checkpoints"
        budget = TimeBudget(max_steps or training.total_steps, chosen=_chosen_cadences(training))
        plan = Plan(model, tokenizer, data, training, saved, resume_from, max_steps, method, sampling, budget)
        load_seconds = time.perf_counter() - began
        watching.on_loaded(data, resumed_step)
        ended = runs.run(plan, watching)
        makes_model = ended.signal in ("", "early", "stop")
        best = _load_best(plan, ended) if makes_model and training.keep_best else None
        answer_speed = None
        if makes_model and sampling:
            with budget.spending("samples"):
                step = best.step if best else ended.step
                answer_speed = answer_at(step, model, tokenizer, sampling, watching.sign_of_life)
        elif makes_model and max_steps is not None:
            prompts = choose(examples, training, tokenizer)
            answer_speed = measure_speed(model, tokenizer, prompts, watching.sign_of_life)
        saved_model = save_model(model, tokenizer, output_dir / "model") if makes_model else None
        device = next(model.parameters()).device
        peak_memory = runtime.peak_memory_bytes(device)  # of the training, before anything else is measured
        measured = None
        if saved_model is not None and max_steps is None:
            with plan.computing():
                measured = example_losses.measure(
                    model,
                    data,
                    saved_model,
                    allowed_s=budget.left_s,
                    seed=training.seed,
                    packs=method.packs,
                    sign_of_life=watching.sign_of_life,
                )
        return TrainResult(
            status=_STATUS[ended.signal],
            step=ended.step,
            epoch=ended.epoch,
            loss=best.loss if best else ended.loss,
            validation_loss=best.validation_loss if best else ended.validation_loss,
            tokens=ended.tokens,
            train_seconds=ended.seconds,
            load_seconds=load_seconds,
            peak_memory_bytes=peak_memory,
            baseline_memory_bytes=baseline,
            device=device.type,
            resumed_from=resumed_step,
            truncated=data.truncated,
            dropped=data.dropped,
            refused=data.refused,
            trainable_params=trainable_params,
            precision=settled,
            model_dir=saved_model,
            kept_step=best.step if best else ended.step,
            last_validation_loss=ended.validation_loss,
            validation_examples=ended.validation_examples,
            validation_of=len(data.validation),
            examples_at_once=ended.examples_at_once,
            between_seconds=budget.all_spent_s + (measured.seconds if measured else 0.0),
            example_losses=measured,
            answer_speed=answer_speed,
        )


def _chosen_cadences(training: ResolvedTraining) -> set[Kind]:
    chosen: set[Kind] = set()
    if not training.validation_follows_time:
        chosen.add("validation")
    if not training.checkpoints_follow_time:
        chosen.add("checkpoint")
    return chosen


def _trial(
    model_dir: Path, method: Method, training: ResolvedTraining, engine: EngineModule, data: Prepared
) -> precision.Trial:
    """The run's own model and examples, for steps in each precision."""
    params = inspect(model_dir).dims.params
    runtime.use_cores(step_flop=6 * params * data.train_tokens / len(data.train) * training.effective_batch_size)

    def load(name: str) -> Any:
        return engine.load(model_dir, method, training.model_copy(update={"precision": name}))

    return precision.Trial(params, load, precision.training_step(data, params, work_of(method)))


def _load_best(plan: Plan, ended: Ended) -> Best | None:
    """Load the weights with the lowest validation loss into the model; None if the last step is the best, or the best
    checkpoint no longer verifies."""
    best = ended.best
    if best is None or best.step == ended.step:
        return None
    directory = checkpoints.of_step(plan.checkpoints, best.step)
    if directory is None:
        return None
    resume_state.load_weights(plan.model, directory)
    return best


def quiet() -> None:
    """Keep the libraries' progress bars and messages out of the log."""
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
