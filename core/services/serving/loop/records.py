"""One round of the loop as screens show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

StepState = Literal["done", "running", "open"]


@dataclass(frozen=True, slots=True)
class LoopStep:
    """One step. `can_start`: what it needs is there; `ref` is the id of what it made, by the step's id:

    dataset, mix: a dataset; retrain: a job; evaluate, verdict: an evaluation.
    """

    id: str
    title: str
    state: StepState
    detail: str
    can_start: bool = False
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Round:
    """From one model to the next one.

    Attributes:
        parent: the id of the model that was corrected, as the agent names it.
        parent_job: the job that trained it; "" for a base model.
        parent_dataset, parent_version: what it was trained on: the dataset, and its newest version.
        dataset: of the feedback. mixed: of the feedback and the parent's dataset.
        candidate: the id of the next model, once it is trained.
    """

    parent: str
    parent_title: str
    steps: tuple[LoopStep, ...]
    parent_job: str = ""
    parent_dataset: str = ""
    dataset: str = ""
    mixed: str = ""
    candidate: str = ""

    @property
    def following(self) -> LoopStep | None:
        """The first step that is not done; None at the end."""
        return next((step for step in self.steps if step.state != "done"), None)

    @property
    def done(self) -> int:
        return sum(step.state == "done" for step in self.steps)

    def step(self, step_id: str) -> LoopStep:
        return next(step for step in self.steps if step.id == step_id)
