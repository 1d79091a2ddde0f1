"""When the sample prompts are answered: a callback of the trainer.

Apart from `samples`, which a work process imports before it takes its engine: unsloth has to come before transformers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from core.jobs.spec import ResolvedTraining
from worker.training.samples import LEAVES, Sampling, answer_all, undisturbed


class Sampler(TrainerCallback):  # type: ignore[misc]  # transformers is not typed
    """Answers the prompts before the first step, at the rhythm of the evaluations, and at the end.

    Args:
        signal: what the person who watches wants, asked before every token.
        stop_signal: why the steps end, known after each step.
    """

    def __init__(
        self,
        sampling: Sampling,
        tokenizer: Any,
        training: ResolvedTraining,
        *,
        sign_of_life: Callable[[], object],
        stop_signal: Callable[[], str],
    ) -> None:
        self.sampling, self.tokenizer, self.training = sampling, tokenizer, training
        self.sign_of_life, self.stop_signal = sign_of_life, stop_signal

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **_: Any
    ) -> None:
        # a resumed run answers again where a signal may have come before the answers
        if state.global_step < state.max_steps and state.global_step % self.training.eval_every_steps == 0:
            self._sample(state.global_step, model)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **_: Any
    ) -> None:
        ending = control.should_training_stop
        planned = state.global_step % self.training.eval_every_steps == 0
        if (planned or ending) and self.stop_signal() not in LEAVES:
            self._sample(state.global_step, model)

    def _sample(self, step: int, model: Any) -> None:
        with undisturbed(model):
            samples = answer_all(model, self.tokenizer, self.sampling.prompts, self.sign_of_life)
        if samples is not None:
            self.sampling.say(step, samples)
