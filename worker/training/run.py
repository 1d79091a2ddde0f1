"""One run, without database or queue: examples in, an adapter or a model directory out (`library` is its easy face).

    from worker.training.run import train
    result = train(model_dir, examples, build("lora"), training, output_dir)

`train` can be called again with the same output directory: it goes on from the newest checkpoint that verifies.
"""

from __future__ import annotations

import errno
import math
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import torch

from core.base_models.light_tokenizer import training_template
from core.errors import OutOfMemory, StorageError, TrainingError
from core.jobs import remedies
from core.jobs.spec import ResolvedTraining
from core.messages import Example
from core.methods.base import Method
from worker.training import checkpoints, example_losses, quantization, runtime, state, tuners
from worker.training.data import Prepared, prepare
from worker.training.early_stopping import Best
from worker.training.engines import Ended, Plan, Point, get_engine
from worker.training.example_losses import Measured
from worker.training.samples import Sampling, Say, answer_at, choose

Status = Literal["finished", "early_stopped", "stopped", "paused", "cancelled", "released"]
_STATUS: dict[str, Status] = {
    "": "finished",
    "early": "early_stopped",
    "stop": "stopped",
    "pause": "paused",
    "cancel": "cancelled",
    "shutdown": "released",
}


@dataclass
class Watching:
    """The hooks of a run as functions that may be replaced one by one; each may raise to end the run at once."""

    signal: Callable[[], str] = lambda: ""
    sign_of_life: Callable[[], object] = lambda: None  # may give a signal too, inside long work
    on_point: Callable[[Point], None] = lambda point: None
    on_first_batch: Callable[[dict[str, Any]], None] = lambda shown: None
    on_saving: Callable[[], None] = lambda: None
    on_checkpoint: Callable[[int, Path], None] = lambda step, directory: None
    on_loaded: Callable[[Prepared, int], None] = lambda data, step: None  # data, and the step that is resumed from
    on_preparing: Callable[[float], None] = lambda share: None
    on_passed_over: Callable[[list[int], int], None] = lambda steps, resumed: None  # checkpoints that do not verify
    on_samples: Say | None = None  # nobody listens: nothing is answered


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What a run came to. `model_dir` is set when there is a model to keep (finished, or stopped by early stopping or a
    person).

    `step` is the last one that was made; `kept_step` the one whose weights the model has, and `loss` and
    `validation_loss` are of that one. They differ where the best checkpoint was asked for.

    `tokens` are non-pad tokens and `train_seconds` seconds inside steps, both over all parts of a resumed run;
    `peak_memory_bytes` is this process's; `baseline_memory_bytes` what it had before it loaded the model.
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
    trainable_params: int
    model_dir: Path | None = None
    kept_step: int = 0
    last_validation_loss: float | None = None  # of the last step that was made
    example_losses: Measured | None = None


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
) -> TrainResult:
    """Fine-tune the model of a local directory on examples.

    Args:
        model_dir: config, tokenizer with chat template, safetensors weights.
        examples: those of the split `train` are learnt; those of `validation` give the validation loss.
        output_dir: gets `checkpoints/` and, at the end, `model/` (the adapter, or all weights, and the tokenizer).
        max_steps: end after so many steps, for a calibration.
        token_cache: a folder that keeps tokens from one run to the next.

    Raises:
        DataError: nothing is left to train on. Diverged: the loss is no number, or ran away; checkpoints from before
        that are kept. OutOfMemory: names what to change.
        StorageError: a checkpoint could not be written. TrainingError: the base model cannot be loaded.
    """
    watching = watching or Watching()
    with naming_memory(training, method, sum(example.split == "train" for example in examples)):
        return _train(model_dir, examples, method, training, output_dir, engine, watching, max_steps, token_cache)


def _train(
    model_dir: Path,
    examples: Sequence[Example],
    method: Method,
    training: ResolvedTraining,
    output_dir: Path,
    engine: str,
    watching: Watching,
    max_steps: int | None,
    token_cache: Path | None,
) -> TrainResult:
    began = time.perf_counter()
    runs = get_engine(engine)  # before all else: unsloth must be imported before transformers; seconds for trl
    quiet()
    tokenizer = load_tokenizer(model_dir)
    data = prepare(
        examples,
        tokenizer,
        max_seq_length=training.max_seq_length,
        completion_only_loss=training.completion_only_loss,
        over_length=training.over_length,
        cache=token_cache,
        progress=watching.on_preparing,
    )
    baseline = runtime.memory_bytes(runtime.device())
    runtime.seed_all(training.seed)  # before the tuner draws its first weights
    model = runs.load(model_dir, method, training)
    trainable_params = sum(p.numel() for p in tuners.trainable(model).values())
    tokens = data.train_tokens / len(data.train) * training.effective_batch_size
    runtime.use_cores(step_flop=6 * quantization.params(model) * tokens)  # forward 2, backward 4
    resume_from, passed_over = checkpoints.find(output_dir / "checkpoints")
    resumed_step = checkpoints.step_of(resume_from) if resume_from else 0
    if passed_over:
        watching.on_passed_over(passed_over, resumed_step)
    sampling = None
    if watching.on_samples is not None and max_steps is None:
        sampling = Sampling(choose(examples, training, tokenizer), watching.on_samples)
    saved = output_dir / "checkpoints"
    plan = Plan(model, tokenizer, data, training, saved, resume_from, max_steps, method, sampling)
    load_seconds = time.perf_counter() - began
    watching.on_loaded(data, resumed_step)
    ended = runs.run(plan, watching)
    makes_model = ended.signal in ("", "early", "stop")
    best = _load_best(plan, ended) if makes_model and training.keep_best else None
    if makes_model and sampling:
        answer_at(best.step if best else ended.step, model, tokenizer, sampling, watching.sign_of_life)
    kept = save_model(model, tokenizer, output_dir / "model") if makes_model else None
    device = next(model.parameters()).device
    peak_memory = runtime.peak_memory_bytes(device)  # of the training, before anything else is measured
    measured = None
    if kept is not None and max_steps is None:
        measured = example_losses.measure(
            model,
            data,
            kept,
            train_seconds=ended.seconds,
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
        trainable_params=trainable_params,
        model_dir=kept,
        kept_step=best.step if best else ended.step,
        last_validation_loss=ended.validation_loss,
        example_losses=measured,
    )


def _load_best(plan: Plan, ended: Ended) -> Best | None:
    """Put the weights of the lowest validation loss into the model; None where those of the last step are the best, or
    the best checkpoint does not verify any more."""
    best = ended.best
    if best is None or best.step == ended.step:
        return None
    directory = checkpoints.of_step(plan.checkpoints, best.step)
    if directory is None:
        return None
    state.load_weights(plan.model, directory)
    return best


def quiet() -> None:
    """Keep the libraries' own bars and notes out of the log."""
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()


def load_tokenizer(model_dir: Path) -> Any:
    """The tokenizer of a model directory; no code from the directory is run.

    Raises:
        TrainingError: it cannot be loaded.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(model_dir, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise unloadable(model_dir, error) from error
    if template := training_template(model_dir):
        tokenizer.chat_template = template
    return tokenizer


def load_model(model_dir: Path, arguments: dict[str, Any] | None = None) -> Any:
    """The model of a directory on this machine's device, from safetensors alone.

    Args:
        arguments: of a method (`Method.load_arguments`): whether its linear layers are packed into fewer bits.

    Raises:
        TrainingError: it cannot be loaded.
    """
    from transformers import AutoModelForCausalLM

    device = runtime.device()
    quantized = (arguments or {}).get("quantization")
    try:
        model, loaded = AutoModelForCausalLM.from_pretrained(
            model_dir,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=runtime.dtype(device),
            attn_implementation="sdpa",
            ignore_mismatched_sizes=True,  # they are named below, in words of our own
            output_loading_info=True,
            **(quantization.load_arguments(quantized, device) if quantized else {}),
        )
    except Exception as error:  # what a config that does not fit its weights raises depends on the architecture
        if isinstance(error, RuntimeError) and out_of_memory(error):
            raise
        if out_of_memory(error):
            raise MemoryError(_first_line(error)) from error
        raise unloadable(model_dir, error) from error
    _check_whole(model_dir, loaded)
    _check_finite(model_dir, model)
    return quantization.apart_from_file(model) if quantized else model.to(device)


def _check_whole(model_dir: Path, loaded: dict[str, Any]) -> None:
    """Every weight came from the files: what is missing, or of another size, would be drawn at random without a word.

    Raises:
        TrainingError: names the first one that did not.
    """
    remedy = "Put the config.json of these weights beside them, or download the model again."
    for key, in_files, by_config in sorted(loaded.get("mismatched_keys") or ()):
        sizes = [" x ".join(str(size) for size in shape) for shape in (in_files, by_config)]
        raise TrainingError(
            f"The base model in {model_dir} cannot be loaded: {key} is {sizes[0]} in its files, and {sizes[1]} by its "
            "config.json.",
            remedy,
        )
    if missing := sorted(loaded.get("missing_keys") or ()):
        more = f" and {len(missing) - 1:,} more" if len(missing) > 1 else ""
        raise TrainingError(
            f"The base model in {model_dir} cannot be loaded: its files have no {missing[0]}{more}.", remedy
        )


def _check_finite(model_dir: Path, model: Any) -> None:
    """No weight is NaN or infinite: from the first step on the loss would be, and no setting would help.

    Raises:
        TrainingError: names the first one that is.
    """
    for name, weight in model.named_parameters():
        if not weight.is_floating_point() or not weight.numel():
            continue
        if not all(math.isfinite(bound) for bound in torch.aminmax(weight.detach())):
            raise TrainingError(
                f"The base model in {model_dir} cannot be used: {name} holds numbers that are NaN or infinite.",
                "Download the model again, or choose another one.",
            )


def load_tuned(base_path: Path, model_dir: Path) -> Any:
    """The tuned model: an adapter on top of its base, or a directory of full weights loaded by itself."""
    if not (model_dir / "adapter_config.json").is_file():
        return load_model(model_dir)
    return tuners.load(load_model(base_path), model_dir)


def unloadable(model_dir: Path, error: Exception) -> TrainingError:
    """What to say when the files of a base model cannot be loaded."""
    return TrainingError(
        f"The base model in {model_dir} cannot be loaded: {_first_line(error)}",
        "Check that the directory holds config.json, the tokenizer and safetensors weights.",
    )


def save_model(model: Any, tokenizer: Any, directory: Path) -> Path:
    """Write the adapter (or all weights) and the tokenizer into a fresh directory, then rename it into place.

    Raises:
        StorageError: the disk is full or cannot be written; nothing half-written is left.
    """
    temporary = directory.with_name(f".{directory.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        model.save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)
        (temporary / "README.md").unlink(missing_ok=True)  # PEFT's empty model card
        shutil.rmtree(directory, ignore_errors=True)
        temporary.rename(directory)
    except checkpoints.WRITE_ERRORS as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise StorageError(
            f"The model could not be written to {directory}: {checkpoints.reason(error)}.",
            "Free disk space, then retry: the steps are done, and the run goes on from its last checkpoint.",
        ) from error
    return directory


_MEMORY_SAID: Final = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "can't start new thread",  # there is none left for its stack
)


def out_of_memory(error: BaseException) -> bool:
    """True when an error means that memory ran out, on the GPU or on the CPU."""
    if isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError)):
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    text = str(error).lower()
    return any(said in text for said in _MEMORY_SAID)


@contextmanager
def naming_memory(training: ResolvedTraining, method: Method, examples: int) -> Iterator[None]:
    """Turn what memory that ran out looks like into OutOfMemory, with the settings that would help."""
    try:
        yield
    except (MemoryError, RuntimeError, OSError) as error:
        if not out_of_memory(error):
            raise
        changes = remedies.as_text(remedies.for_memory(training, method, examples))
        raise OutOfMemory(
            f"Memory ran out: {_first_line(error)}",
            f"Start a new job with less: {changes}; or choose a smaller base model.",
        ) from error


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:300] if text else type(error).__name__
