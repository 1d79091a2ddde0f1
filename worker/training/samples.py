"""Sample answers: the same few prompts, answered at every evaluation, so that you see the model learn.

Answering must not affect the run: random states, the model's mode and the step timer are restored, so that a run with
samples ends with the same weights as one without.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy
import torch

from core.messages import Example, Message, Tools
from core.models.refusals import accepted
from core.models.render import render_prompt
from core.training.jobs.spec import ResolvedTraining
from worker.training import quantization
from worker.training.generate import answer, split_last_answer

MAX_NEW_TOKENS: Final = 64  # of an answer; a sample takes as long as its longest answer
MORE: Final = 8  # tokens beyond the longest expected answer: enough to see if a model does not stop
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
    """The prompts of a run: those that the user typed, then a few spread over the validation examples.

    If nothing is held out, they come from the training examples. Prompts that leave no room for an answer within the
    maximum length are skipped.
    """
    typed = [Prompt("typed", (Message("user", text.strip()),), "") for text in training.sample_prompts if text.strip()]
    split = "validation" if any(example.split == "validation" for example in examples) else "train"
    of_split = [example for example in examples if example.split == split]
    prompts = list(typed)
    for example in _spread(of_split, 4 * training.sample_answers):
        if len(prompts) - len(typed) == training.sample_answers:
            break
        conversation = accepted(example.messages, tokenizer, training.on_refusal, example.tools)
        if conversation is None:
            continue
        messages, expected = split_last_answer(conversation)
        needed = len(render_prompt(messages, tokenizer, example.tools)) + MAX_NEW_TOKENS
        if needed <= max(training.max_seq_length, 2 * MAX_NEW_TOKENS):
            prompts.append(Prompt(split, messages, expected, example.tools))
    return tuple(prompts)


def _spread(items: Sequence[Example], count: int) -> list[Example]:
    """`count` of them at even distances, in an order that covers the range before it returns neighbors."""
    if not items or not count:
        return []
    stride = max(1, len(items) // count)
    chosen = list(items[::stride])[:count]
    return [item for start in range(4) for item in chosen[start::4]]


def answer_at(step: int, model: Any, tokenizer: Any, sampling: Sampling, sign_of_life: Callable[[], object]) -> None:
    """Answer the prompts of a run greedily with the weights of a step; report them, unless a signal ends the run.

    An answer is slightly longer than the longest expected one and at most MAX_NEW_TOKENS.
    """
    prompts, left = sampling.prompts, False
    if not prompts:
        return
    allowed = _allowed(prompts, tokenizer)

    def each_token() -> bool:
        nonlocal left
        left = left or sign_of_life() in LEAVES
        return left

    with undisturbed(model):
        questions, tools = [prompt.messages for prompt in prompts], [prompt.tools for prompt in prompts]
        answers = answer(model, tokenizer, questions, tools=tools, max_new_tokens=allowed, each_token=each_token)
    if left:
        return
    lengths = [len(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in answers]
    samples = [
        Sample(position, prompt, text, length >= allowed - 1)
        for position, (prompt, text, length) in enumerate(zip(prompts, answers, lengths, strict=True))
    ]
    sampling.say(step, samples)


def _allowed(prompts: Sequence[Prompt], tokenizer: Any) -> int:
    if any(prompt.split == "typed" for prompt in prompts):
        return MAX_NEW_TOKENS
    expected = (len(tokenizer(prompt.expected, add_special_tokens=False)["input_ids"]) for prompt in prompts)
    return min(MAX_NEW_TOKENS, max(expected, default=0) + MORE)


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
