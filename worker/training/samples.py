"""Sample answers: the same few prompts, answered at every evaluation, so that you see the model learn.

Answering must not affect the run: random states, the model's mode and the step timer are restored, so that a run with
samples ends with the same weights as one without.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import numpy
import torch

from core.messages import Example, Message, Tools
from core.models.refusals import accepted
from core.models.render import render_prompt
from core.training.jobs.spec import ResolvedTraining
from core.training.sample_prompts import MAX_NEW_TOKENS, AnswerSpeed, answer_limit, candidates, shares
from worker.training import fused, quantization
from worker.training.generate import answer, split_last_answer

MEASURED_TOKENS: Final = 9  # to measure the speed of answers: one after the prompt, and eight further ones
LEAVES: Final = (
    "shutdown",
    "pause",
    "cancel",
)  # they end the run at once; `stop` still validates the last step


@dataclass(frozen=True, slots=True)
class Prompt:
    """A conversation up to the assistant's turn. `split` is its origin: validation, train or typed."""

    split: str
    messages: tuple[Message, ...]
    expected: str  # "" if the user typed the prompt
    tools: Tools = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """The answer to a prompt. `cut`: the answer reached the token limit."""

    position: int
    prompt: Prompt
    answer: str
    cut: bool


Say = Callable[[int, list[Sample]], None]  # the step, and its answers


@dataclass(frozen=True, slots=True)
class Sampling:
    """The prompts of a run, and the callback for the answers."""

    prompts: tuple[Prompt, ...]
    say: Say


def choose(examples: Sequence[Example], training: ResolvedTraining, tokenizer: Any) -> tuple[Prompt, ...]:
    """The prompts of a run: those that the user typed, then a few spread over the validation examples, and one over the
    training examples.

    If nothing is held out, all come from the training examples. Prompts that leave no room for an answer within the
    maximum length are skipped.
    """
    typed = [Prompt("typed", (Message("user", text.strip()),), "") for text in training.sample_prompts if text.strip()]
    of_splits = {
        split: [example for example in examples if example.split == split] for split in ("validation", "train")
    }
    prompts = list(typed)
    for split, count in shares(len(of_splits["validation"]), len(of_splits["train"]), training.sample_answers):
        prompts += islice(_prompts(of_splits[split], count, training, tokenizer), count)
    return tuple(prompts)


def _prompts(of_split: Sequence[Example], count: int, training: ResolvedTraining, tokenizer: Any) -> Iterator[Prompt]:
    """The usable prompts among the candidates for `count` samples of a split."""
    for example in candidates(of_split, count):
        conversation = accepted(example.messages, tokenizer, training.on_refusal, example.tools)
        if conversation is None:
            continue
        messages, expected = split_last_answer(conversation)
        needed = len(render_prompt(messages, tokenizer, example.tools)) + MAX_NEW_TOKENS
        if needed <= max(training.max_seq_length, 2 * MAX_NEW_TOKENS):
            yield Prompt(example.split, messages, expected, example.tools)


def answer_at(
    step: int, model: Any, tokenizer: Any, sampling: Sampling, sign_of_life: Callable[[], object]
) -> AnswerSpeed | None:
    """Answer the prompts of a run greedily with the weights of a step; report them, unless a signal ends the run.

    An answer is slightly longer than the longest expected one and at most MAX_NEW_TOKENS.

    Returns:
        How fast they were answered; None without an answer.
    """
    prompts = sampling.prompts
    if not prompts:
        return None
    allowed = _allowed(prompts, tokenizer)
    answers, speed = _answer(model, tokenizer, prompts, allowed, sign_of_life)
    if answers is None:
        return None
    lengths = [len(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in answers]
    samples = [
        Sample(position, prompt, text, length >= allowed - 1)
        for position, (prompt, text, length) in enumerate(zip(prompts, answers, lengths, strict=True))
    ]
    sampling.say(step, samples)
    return speed


def measure_speed(
    model: Any, tokenizer: Any, prompts: Sequence[Prompt], sign_of_life: Callable[[], object]
) -> AnswerSpeed | None:
    """How fast the model answers, measured on the first tokens of each answer; None if there are no prompts."""
    return _answer(model, tokenizer, prompts, MEASURED_TOKENS, sign_of_life)[1] if prompts else None


def _answer(
    model: Any, tokenizer: Any, prompts: Sequence[Prompt], allowed: int, sign_of_life: Callable[[], object]
) -> tuple[list[str] | None, AnswerSpeed | None]:
    """The answers, None if a signal ended them; and how fast they were."""
    left, times = False, list[float]()

    def each_token() -> bool:
        nonlocal left
        times.append(time.perf_counter())
        left = left or sign_of_life() in LEAVES
        return left

    with undisturbed(model), fused.layers(model):
        began = time.perf_counter()
        questions, tools = [prompt.messages for prompt in prompts], [prompt.tools for prompt in prompts]
        answers = answer(model, tokenizer, questions, tools=tools, max_new_tokens=allowed, each_token=each_token)
    if left or not times:
        return None, None
    return answers, AnswerSpeed(times[0] - began, (times[-1] - times[0]) / max(1, len(times) - 1))


def _allowed(prompts: Sequence[Prompt], tokenizer: Any) -> int:
    if any(prompt.split == "typed" for prompt in prompts):
        return MAX_NEW_TOKENS
    expected = (len(tokenizer(prompt.expected, add_special_tokens=False)["input_ids"]) for prompt in prompts)
    return answer_limit(max(expected, default=0))


@contextmanager
def undisturbed(model: Any) -> Iterator[None]:
    """Evaluation mode inside; the mode and every random state are restored on exit."""
    training = model.training
    states = random.getstate(), numpy.random.get_state()
    quantization.eval_mode(model)
    try:
        with torch.random.fork_rng():
            yield
    finally:
        model.train(training)
        random.setstate(states[0])
        numpy.random.set_state(states[1])
