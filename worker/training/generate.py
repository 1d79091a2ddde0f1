"""Greedy answers in batches, and how many of them are exactly the expected ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from core.errors import DataError
from core.messages import Message, Tools
from core.models.render import render_prompt
from core.models.thinking import matches, without_empty_block


@dataclass(frozen=True, slots=True)
class Exactness:
    """How many answers were exactly the expected text. `answers` are in the order of the questions."""

    correct: int
    answers: list[str]

    @property
    def share(self) -> float:
        return self.correct / len(self.answers) if self.answers else 0.0


def answer(
    model: Any,
    tokenizer: Any,
    questions: Sequence[Sequence[Message]],
    *,
    tools: Sequence[Tools] = (),
    max_new_tokens: int = 64,
    batch_size: int = 64,
    each_token: Callable[[], bool] | None = None,
) -> list[str]:
    """Greedy answers to conversations that end before the assistant's turn.

    Args:
        tools: of each question; empty: none has any.
        each_token: called at every token; True ends the answers there.
    """
    schemas = tools or [()] * len(questions)
    prompts = [render_prompt(asked, tokenizer, own) for asked, own in zip(questions, schemas, strict=True)]
    order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))  # similar lengths: little padding
    answers = [""] * len(prompts)
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        for index, text in zip(
            chosen, _generate(model, tokenizer, [prompts[i] for i in chosen], max_new_tokens, each_token), strict=True
        ):
            answers[index] = text
    return answers


@torch.no_grad()  # not inference_mode: the model must be able to train with tensors that it caches now
def _generate(
    model: Any, tokenizer: Any, prompts: list[list[int]], max_new_tokens: int, each_token: Callable[[], bool] | None
) -> list[str]:
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    width = max(len(prompt) for prompt in prompts)
    input_ids = torch.tensor([[pad] * (width - len(prompt)) + prompt for prompt in prompts], device=model.device)
    attention_mask = torch.tensor(
        [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts], device=model.device
    )

    def leave(ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        """A stopping criterion of transformers: asks before each token whether to continue."""
        return torch.full((ids.shape[0],), each_token is not None and each_token(), device=ids.device)

    with _contiguous(model):
        out = model.generate(
            input_ids=input_ids,
            attention_mask=attention_mask,
            max_new_tokens=max_new_tokens,
            do_sample=False,
            pad_token_id=pad,
            eos_token_id=stop_ids(model, tokenizer),
            use_cache=True,
            stopping_criteria=[leave] if each_token else None,
        )
    texts = (tokenizer.decode(row[width:], skip_special_tokens=True) for row in out)
    return [without_empty_block(text).strip() for text in texts]


@contextmanager
def _contiguous(model: Any) -> Iterator[None]:
    """`keep_contiguous` for one generation."""
    handle = keep_contiguous(model)
    try:
        yield
    finally:
        if handle is not None:
            handle.remove()


def keep_contiguous(model: Any) -> Any:
    """Give the output layer contiguous inputs from now on; returns the handle that ends it (None: no output layer).

    transformers gives it the last position of each prompt, a view with gaps. In bf16 on a CPU torch 2.13 then copies
    the weight once for each prompt (three prompts of SmolLM2: 170 MB).
    """
    head = model.get_output_embeddings()
    return None if head is None else head.register_forward_pre_hook(_with_contiguous_input)


def _with_contiguous_input(_layer: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    return (inputs[0].contiguous(), *inputs[1:])


def split_last_answer(messages: Sequence[Message]) -> tuple[tuple[Message, ...], str]:
    """The conversation up to its last assistant turn, and the text of that turn.

    Raises:
        DataError: it has no assistant turn.
    """
    for index in range(len(messages) - 1, -1, -1):
        if messages[index].role == "assistant":
            return tuple(messages[:index]), messages[index].content
    raise DataError("An example has no assistant message.", "Add an output.", code="assistant_missing")


def stop_ids(model: Any, tokenizer: Any) -> list[int]:
    """Ids that end an answer: the tokenizer's end token and those in the model's generation settings."""
    named = model.generation_config.eos_token_id
    ids = set(named if isinstance(named, list) else [named]) | {tokenizer.eos_token_id}
    return sorted(i for i in ids if i is not None)


def exact_match(
    model: Any,
    tokenizer: Any,
    questions: Sequence[Sequence[Message]],
    expected: Sequence[str],
    *,
    max_new_tokens: int = 64,
) -> Exactness:
    """Answer every question greedily and count the answers that are exactly as expected (outer blanks aside)."""
    answers = answer(model, tokenizer, questions, max_new_tokens=max_new_tokens)
    correct = sum(matches(got, want) for got, want in zip(answers, expected, strict=True))
    return Exactness(correct, answers)
