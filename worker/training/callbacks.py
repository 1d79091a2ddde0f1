"""Callbacks of the trainer: measure the steps, decide when to stop, validate and save, and answer sample prompts."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from core.training.cadence import LONGEST_S, Kind, TimeBudget
from core.training.jobs.spec import ResolvedTraining
from core.training.metrics import Point
from worker.training import runtime
from worker.training.divergence import Divergence
from worker.training.early_stopping import Improvement
from worker.training.engines import Watching
from worker.training.hardware import Gpu
from worker.training.samples import LEAVES, Sampling, answer_at
from worker.training.validation import ValidationSet

RATE_OVER_STEPS = 10  # tokens/s is the mean over this many steps; a single one varies too much


class Watcher(TrainerCallback):  # type: ignore[misc]  # transformers is not typed
    """One per run. Counts non-pad tokens and the seconds inside steps; `restore` continues both after a resume.

    Args:
        pass_share: cost of a token in a validation, as a share of its cost in a step.
    """

    def __init__(
        self,
        training: ResolvedTraining,
        hooks: Watching,
        device: torch.device,
        *,
        validation: ValidationSet,
        budget: TimeBudget,
        pass_share: float,
        vocab_size: int,
    ) -> None:
        self.training, self.hooks, self.device = training, hooks, device
        self.validation, self.budget, self.pass_share = validation, budget, pass_share
        self.signal = ""
        self.tokens = 0
        self.seconds = 0.0
        self.loss: float | None = None
        self.validation_loss: float | None = None
        self.improvement = Improvement(training.early_stopping_patience, training.early_stopping_min_improvement)
        self.divergence = Divergence(training.total_steps, vocab_size)
        self.evaluation_due = False  # a planned evaluation interrupted by a signal: done when the run resumes
        self._began = 0.0
        self._step_tokens = 0
        self._recent: deque[tuple[int, float]] = deque(maxlen=RATE_OVER_STEPS)

    _STATE = ("tokens", "seconds", "loss", "validation_loss", "evaluation_due")

    def totals(self) -> dict[str, Any]:
        """The state that a checkpoint stores."""
        return {
            **{name: getattr(self, name) for name in self._STATE},
            "improvement": self.improvement.totals(),
            "divergence": self.divergence.totals(),
            "budget": self.budget.totals(),
            "validation_examples": self.validation.used,
            "stopped_early": self.signal == "early",
        }

    def restore(self, totals: dict[str, Any], step: int) -> None:
        """Continue counting from the checkpoint of a step."""
        for name in self._STATE:
            setattr(self, name, totals.get(name, getattr(self, name)))
        self.improvement.restore(totals.get("improvement", {}))
        self.divergence.restore(totals.get("divergence", {}))
        self.budget.restore(totals.get("budget", {}), step, self.seconds)
        self.validation.used = totals.get("validation_examples", len(self.validation))  # earlier releases used all
        self.signal = "early" if totals.get("stopped_early") else ""

    def count(self, tokens: int) -> None:
        """Count the non-pad tokens of a batch that goes through the model."""
        self._step_tokens += tokens

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **_: Any
    ) -> None:
        self._gpu = Gpu(self.device, model)

    def on_step_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._began = time.perf_counter()
        self._step_tokens = 0

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        took = time.perf_counter() - self._began
        self.tokens += self._step_tokens
        self.seconds += took
        self._recent.append((self._step_tokens, took))
        self.budget.step_done(state.global_step, self.seconds)
        last = state.global_step >= state.max_steps
        signal = self.hooks.signal()
        self.signal = "" if last and signal != "cancel" else signal  # all steps are done: nothing to pause or stop
        ending = last or bool(self.signal)
        control.should_log = True
        control.should_training_stop = ending
        planned = len(self.validation) > 0 and (last or self._validation_due(state.global_step))
        leaves = self.signal in LEAVES
        control.should_evaluate = len(self.validation) > 0 and not leaves and (planned or ending)
        self.evaluation_due = leaves and planned
        control.should_save = ending or self._checkpoint_due(state.global_step)

    def _validation_due(self, step: int) -> bool:
        training = self.training
        if not training.validation_follows_time:
            return step % training.eval_every_steps == 0
        if not self.budget.measured("validation"):
            self.plan_validation()
        then: list[Kind] = ["checkpoint"] if training.keep_best and training.checkpoints_follow_time else []
        return self.budget.due("validation", training.eval_every_steps, then=then)

    def plan_validation(self) -> None:
        """Before the first validation: decide how many examples each one uses, and what it will probably take."""
        token_s = self.pass_share * self.seconds / max(self.tokens, 1)
        if self.training.validation_follows_time:
            chooses = self.training.keep_best or self.training.early_stopping_patience > 0
            self.validation.decide(self.budget.most_of_a_validation_s(chooses=chooses) / max(token_s, 1e-12))
        self.budget.expect("validation", self.validation.tokens * token_s)

    def _checkpoint_due(self, step: int) -> bool:
        training = self.training
        if not training.checkpoints_follow_time:
            return step % training.save_every_steps == 0
        return self.budget.due("checkpoint", training.save_every_steps, within_s=LONGEST_S)

    def on_epoch_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        # the trainer reads these again after the last step of an epoch, which has been handled
        control.should_log = control.should_evaluate = control.should_save = False

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: dict[str, Any], **_: Any
    ) -> None:
        if "loss" not in logs:
            return  # the final summary
        self.loss = float(logs["loss"])
        self.divergence.measured(self.loss)
        seconds = sum(took for _, took in self._recent)
        rate = sum(tokens for tokens, _ in self._recent) / seconds if seconds else None
        gpu = self._gpu.read()
        measured = {
            **logs,
            "epoch": float(state.epoch or 0.0),
            "loss": self.loss,
            "tokens": self.tokens,
            "tokens_per_s": rate,
            "memory_bytes": runtime.memory_bytes(self.device),
            "memory_reserved_bytes": self._gpu.reserved_bytes(),
            "mfu": self._gpu.mfu(rate),
            "gpu_utilization": gpu.utilization,
            "gpu_temperature_c": gpu.temperature_c,
            "gpu_power_w": gpu.power_w,
        }
        self.hooks.on_point(Point.of("train", state.global_step, measured))
        if self.divergence.diverged and self.training.stop_when_diverging:
            raise self.divergence.error(state.global_step, self.training.learning_rate)

    def evaluated(
        self, state: TrainerState, control: TrainerControl, loss: float, token_accuracy: float | None = None
    ) -> None:
        """Record the validation loss and token accuracy: remember the best, and stop when patience is exhausted."""
        self.validation_loss, self.evaluation_due = loss, False
        measured = {
            "epoch": float(state.epoch or 0.0),
            "loss": loss,
            "tokens": self.tokens,
            "token_accuracy": token_accuracy,
            "validation_examples": self.validation.used,
            "validation_of": len(self.validation),
        }
        self.hooks.on_point(Point.of("validation", state.global_step, measured))
        is_best = self.improvement.measured(state.global_step, loss, self.loss)
        if is_best and self.training.keep_best:
            control.should_save = True
        if self.improvement.exhausted and not self.signal and state.global_step < state.max_steps:
            self.leave("early", control)

    def leave(self, signal: str, control: TrainerControl, *, save: bool = True) -> None:
        """End the steps because of a signal between two of them."""
        self.signal = signal
        control.should_training_stop = True
        control.should_save = control.should_save or save

    @property
    def protected(self) -> set[int]:
        """Steps whose checkpoints must not be removed: the best one, and the last one before the loss started to
        diverge."""
        best = self.improvement.best
        protected = {best.step} if best and self.training.keep_best else set()
        return protected | {self.divergence.good_step}


class Sampler(TrainerCallback):  # type: ignore[misc]  # transformers is not typed
    """Answers the prompts before the first step and at evaluations, as often as their share of the run's time allows;
    `worker.training.run` asks the final model.

    Args:
        sign_of_life: called before every token; returns the signal, if any.
    """

    def __init__(
        self,
        sampling: Sampling,
        tokenizer: Any,
        training: ResolvedTraining,
        budget: TimeBudget,
        *,
        sign_of_life: Callable[[], object],
    ) -> None:
        self.sampling, self.tokenizer, self.training, self.budget = sampling, tokenizer, training, budget
        self.sign_of_life = sign_of_life

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **_: Any
    ) -> None:
        # a run resumed at a chosen evaluation answers again: a signal may have interrupted the answers
        chosen = not self.training.validation_follows_time and state.global_step % self.training.eval_every_steps == 0
        if state.global_step < state.max_steps and (state.global_step == 0 or chosen):
            self._sample(state.global_step, model)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **_: Any
    ) -> None:
        if not control.should_training_stop and self._due(state.global_step):
            self._sample(state.global_step, model)

    def _due(self, step: int) -> bool:
        if self.training.validation_follows_time:
            return self.budget.due("samples", self.training.eval_every_steps)
        return step % self.training.eval_every_steps == 0 and self.budget.affords("samples")

    def _sample(self, step: int, model: Any) -> None:
        with self.budget.spending("samples"):
            answer_at(step, model, self.tokenizer, self.sampling, self.sign_of_life)
