"""Sample answers: the same few prompts, answered at every evaluation, so that one sees the model learn.

Answering must leave no trace in the run: random states, the model's mode and the clock of its steps are put back, so
that a run with samples ends in the same weights as one without.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy
import torch

from core.messages import Example, Message
from core.models.render import render_prompt
from core.training.jobs.spec import ResolvedTraining
from worker.training import quantization
from worker.training.generate import answer, split_last_answer

MAX_NEW_TOKENS: Final = 64  # of an answer; the time of a sample is the tokens of its longest answer
MORE: Final = 8  # tokens beyond the longest expected answer: enough to see that a model does not stop
LEAVES: Final = ("shutdown", "pause", "cancel")  # what ends the run now; the answers are made when it goes on


@dataclass(frozen=True, slots=True)
class Prompt:
    """A conversation up to the assistant's turn. `split` says where it came from: validation, train or typed."""

    split: str
    messages: tuple[Message, ...]
    expected: str  # "" where a person typed the prompt


@dataclass(frozen=True, slots=True)
class Sample:
    """What was answered to a prompt. `cut`: the answer reached the most tokens that were allowed."""

    position: int
    prompt: Prompt
    answer: str
    cut: bool


Say = Callable[[int, list[Sample]], None]  # the step, and its answers


@dataclass(frozen=True, slots=True)
class Sampling:
    """The prompts of a run, and who hears the answers."""

    prompts: tuple[Prompt, ...]
    say: Say


def choose(examples: Sequence[Example], training: ResolvedTraining, tokenizer: Any) -> tuple[Prompt, ...]:
    """The prompts of a run: those that a person typed, then a few spread over the validation examples.

    Where nothing is held out they come from the training examples. Prompts that leave no room for an answer within the
    maximum length are passed over.
    """
    typed = [Prompt("typed", (Message("user", text.strip()),), "") for text in training.sample_prompts if text.strip()]
    split = "validation" if any(example.split == "validation" for example in examples) else "train"
    found = [example for example in examples if example.split == split]
    prompts = list(typed)
    for example in _spread(found, 4 * training.sample_answers):
        if len(prompts) - len(typed) == training.sample_answers:
            break
        messages, expected = split_last_answer(example)
        if len(render_prompt(messages, tokenizer)) + MAX_NEW_TOKENS <= max(training.max_seq_length, 2 * MAX_NEW_TOKENS):
            prompts.append(Prompt(split, messages, expected))
    return tuple(prompts)


def _spread(items: Sequence[Example], count: int) -> list[Example]:
    """So many of them at even distances, in an order that takes from all over before it takes neighbours."""
    if not items or not count:
        return []
    stride = max(1, len(items) // count)
    chosen = list(items[::stride])[:count]
    return [item for start in range(4) for item in chosen[start::4]]


def answer_all(
    model: Any, tokenizer: Any, prompts: Sequence[Prompt], sign_of_life: Callable[[], object]
) -> list[Sample] | None:
    """Greedy answers, a little longer than the longest expected one and at most MAX_NEW_TOKENS; None when the run is to
    be left before they are done."""
    left = False
    allowed = _allowed(prompts, tokenizer)

    def each_token() -> bool:
        nonlocal left
        left = left or sign_of_life() in LEAVES
        return left

    answers = answer(
        model,
        tokenizer,
        [prompt.messages for prompt in prompts],
        max_new_tokens=allowed,
        each_token=each_token,
    )
    if left:
        return None
    lengths = [len(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in answers]
    return [
        Sample(position, prompt, text, length >= allowed - 1)
        for position, (prompt, text, length) in enumerate(zip(prompts, answers, lengths, strict=True))
    ]


def answer_at(step: int, model: Any, tokenizer: Any, sampling: Sampling, sign_of_life: Callable[[], object]) -> None:
    """Answer the prompts of a run with the weights of a step, and say so; nothing is said when the run is left."""
    if not sampling.prompts:
        return
    with undisturbed(model):
        samples = answer_all(model, tokenizer, sampling.prompts, sign_of_life)
    if samples is not None:
        sampling.say(step, samples)


def _allowed(prompts: Sequence[Prompt], tokenizer: Any) -> int:
    if any(prompt.split == "typed" for prompt in prompts):
        return MAX_NEW_TOKENS
    expected = (len(tokenizer(prompt.expected, add_special_tokens=False)["input_ids"]) for prompt in prompts)
    return min(MAX_NEW_TOKENS, max(expected, default=0) + MORE)


@contextmanager
def undisturbed(model: Any) -> Iterator[None]:
    """Evaluation mode inside; afterwards the mode and every random state are what they were."""
    training = model.training
    states = random.getstate(), numpy.random.get_state()
    quantization.rest(model)
    try:
        with torch.random.fork_rng():
            yield
    finally:
        model.train(training)
        random.setstate(states[0])
        numpy.random.set_state(states[1])
