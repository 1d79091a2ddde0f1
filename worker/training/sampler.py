"""When the sample prompts are answered: a callback of the trainer.

Apart from `samples`, which a work process imports before it takes its engine: unsloth has to come before transformers.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from core.jobs.spec import ResolvedTraining
from worker.training.samples import LEAVES, Sampling, answer_all, undisturbed

SHARE: Final = 0.05  # of the run's time: on short steps the answers would take longer than what is learnt between them


class Sampler(TrainerCallback):  # type: ignore[misc]  # transformers is not typed
    """Answers the prompts before the first step, at the rhythm of the evaluations, and at the end.

    An evaluation in between is passed over while the answers have taken more than SHARE of the run's time.

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
        self._began = time.perf_counter()
        self._spent = 0.0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **_: Any
    ) -> None:
        self._began = time.perf_counter()
        # a resumed run answers again where a signal may have come before the answers
        if state.global_step < state.max_steps and state.global_step % self.training.eval_every_steps == 0:
            self._sample(state.global_step, model)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **_: Any
    ) -> None:
        ending = control.should_training_stop
        planned = state.global_step % self.training.eval_every_steps == 0 and self._may_take_time()
        if (planned or ending) and self.stop_signal() not in LEAVES:
            self._sample(state.global_step, model)

    def _may_take_time(self) -> bool:
        return self._spent <= SHARE * (time.perf_counter() - self._began)

    def _sample(self, step: int, model: Any) -> None:
        began = time.perf_counter()
        with undisturbed(model):
            samples = answer_all(model, self.tokenizer, self.sampling.prompts, self.sign_of_life)
        self._spent += time.perf_counter() - began
        if samples is not None:
            self.sampling.say(step, samples)
