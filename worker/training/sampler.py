"""When the sample prompts are answered: a callback of the trainer.

Separate from `samples`, which a worker imports before its engine: unsloth must be imported before transformers.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from core.training.forecast.time import SAMPLES_SHARE
from core.training.jobs.spec import ResolvedTraining
from worker.training.samples import Sampling, answer_at

SHARE: Final = SAMPLES_SHARE  # with short steps the answers would take longer than the training between them


class Sampler(TrainerCallback):  # type: ignore[misc]  # transformers is not typed
    """Answers the prompts before the first step and at evaluations; `worker.training.run` asks the final model.

    An evaluation is skipped while the answers have taken more than SHARE of the run's time.

    Args:
        sign_of_life: called before every token; returns the signal, if any.
    """

    def __init__(
        self, sampling: Sampling, tokenizer: Any, training: ResolvedTraining, *, sign_of_life: Callable[[], object]
    ) -> None:
        self.sampling, self.tokenizer, self.training = sampling, tokenizer, training
        self.sign_of_life = sign_of_life
        self._began = time.perf_counter()
        self._spent = 0.0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **_: Any
    ) -> None:
        self._began = time.perf_counter()
        # a resumed run answers again: a signal may have interrupted the answers
        if state.global_step < state.max_steps and state.global_step % self.training.eval_every_steps == 0:
            self._sample(state.global_step, model)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **_: Any
    ) -> None:
        planned = state.global_step % self.training.eval_every_steps == 0
        if planned and not control.should_training_stop and self._may_take_time():
            self._sample(state.global_step, model)

    def _may_take_time(self) -> bool:
        return self._spent <= SHARE * (time.perf_counter() - self._began)

    def _sample(self, step: int, model: Any) -> None:
        began = time.perf_counter()
        answer_at(step, model, self.tokenizer, self.sampling, self.sign_of_life)
        self._spent += time.perf_counter() - began
