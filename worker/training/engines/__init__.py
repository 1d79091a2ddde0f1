"""Engines: what loads the model and runs the steps. Each is one module with the functions of `EngineModule` below.

Every engine gets the same tokenized examples, reports to the same functions and writes the same checkpoints. What the
studio knows about an engine without importing it is in `core/training/engines`.

Nothing here, and nothing that is imported before an engine, may import transformers, trl or peft: unsloth must be
imported before them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from core.models.methods.base import Method, recomputes
from core.training.cadence import TimeBudget
from core.training.engines import ENGINES
from core.training.jobs.spec import ResolvedTraining
from core.training.metrics import Point
from core.training.precision import PrecisionChoice, work_of
from worker.training.data import Prepared
from worker.training.early_stopping import Best
from worker.training.precision import computing
from worker.training.samples import Sampling, Say


@dataclass
class Watching:
    """What a run tells its caller, as functions that can be replaced one by one; each may raise to end the run at once.

    Attributes:
        signal: called after each step: "" to continue, else why to save and stop (cancel, pause, stop, shutdown).
        sign_of_life: called during long work between two steps (validation, after saving), so that it does not look
            hung; it may return what `signal` would, so that the work can end for a shutdown or a cancel.
        on_preparing: the share of the examples that are tokenized.
        on_precision: the precision that was settled, with the reason.
        on_passed_over: the steps whose checkpoints do not verify, and the step from which the run resumes instead.
        on_loaded: the data is ready; and the step from which the run resumes.
        on_first_batch: a run starts from its first step: its first batch as text (`worker.training.first_batch.shown`).
        on_point: a step was done, or the validation loss measured.
        on_batch_size: how many examples at once are fastest, and the tokens per second of each number that was tried.
        on_samples: the step and its answers; None: no samples are answered.
        on_saving: a checkpoint is about to be written: store now what must not be missing after a resume.
        on_checkpoint: the checkpoint of a step is complete in a directory.
    """

    signal: Callable[[], str] = lambda: ""
    sign_of_life: Callable[[], object] = lambda: None
    on_preparing: Callable[[float], None] = lambda share: None
    on_precision: Callable[[PrecisionChoice], None] = lambda choice: None
    on_passed_over: Callable[[list[int], int], None] = lambda damaged, step: None
    on_loaded: Callable[[Prepared, int], None] = lambda data, step: None
    on_first_batch: Callable[[dict[str, Any]], None] = lambda shown: None
    on_point: Callable[[Point], None] = lambda point: None
    on_batch_size: Callable[[int, dict[int, float]], None] = lambda size, rates: None
    on_samples: Say | None = None
    on_saving: Callable[[], None] = lambda: None
    on_checkpoint: Callable[[int, Path], None] = lambda step, directory: None


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything an engine needs: the model with its trainable weights, the data and the numbers."""

    model: Any
    tokenizer: Any
    data: Prepared
    training: ResolvedTraining
    checkpoints: Path
    resume_from: Path | None
    max_steps: int | None = None  # stop after this many steps (calibration)
    method: Method | None = None  # None counts as one that packs and recomputes, as most do
    sampling: Sampling | None = None  # prompts to answer at every evaluation
    budget: TimeBudget = field(default_factory=lambda: TimeBudget(1))  # of the work between the steps

    @property
    def packs(self) -> bool:
        """Whether several examples can share a row of a batch."""
        return self.method is None or self.method.packs

    def computing(self) -> AbstractContextManager[Any]:
        """The context of every forward pass."""
        return computing(self.training.precision, work_of(self.method) if self.method else "frozen")

    def recomputes(self, params: int) -> bool:
        """Whether activations are recomputed instead of stored, on a model with this many parameters."""
        return recomputes(params, self.method, self.training.gradient_checkpointing)


@dataclass(frozen=True, slots=True)
class Ended:
    """How the steps ended: `signal` is "" if all were done, `early` if early stopping ended them."""

    signal: str
    step: int
    epoch: float
    loss: float | None
    validation_loss: float | None
    tokens: int  # of the entire run, before and after a resume
    seconds: float  # in steps, of the entire run
    best: Best | None = None  # the evaluation with the lowest validation loss
    validation_examples: int = 0  # that the validation loss was measured on
    examples_at_once: int = 0  # that were fastest; 0 if the run ended before that was measured


class EngineModule(Protocol):
    """The functions of an engine's module. Importing the module imports the engine's libraries, in their order."""

    def load(self, model_dir: Path, method: Method, training: ResolvedTraining) -> Any:
        """The model of a directory with the method's trainable weights on it, on this machine's device.

        Raises:
            TrainingError: it cannot be loaded, or the method cannot be attached to it.
        """

    def run(self, plan: Plan, watching: Watching) -> Ended:
        """Run the steps of a plan. Raises Diverged: the loss or its gradient became NaN or infinite."""


def import_engine(engine_id: str) -> EngineModule:
    """Import the module of an engine, and with it the engine's libraries.

    Raises:
        NotFound: names the ids that exist. TrainingError: it is not usable in this process; says why.
    """
    return cast("EngineModule", import_module(ENGINES.get(engine_id).module))
