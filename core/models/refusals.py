"""Conversations that a base model's chat template refuses or fails on, and what a run does with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from core.errors import DataError
from core.messages import Example, Message, Tools
from core.models.render import REFUSED, SPELLED, Rendered, ahead, check, render, render_prompt

Messages = Sequence[Message]
T = TypeVar("T")


def attempt(act: Callable[[Messages], T], messages: Messages, on_refusal: str) -> T | None:
    """What `act`, which renders, returns for a conversation, or for the one that the policy makes of it.

    Args:
        on_refusal: see `TrainingConfig.on_refusal`.

    Returns:
        None where the conversation is left out.

    Raises:
        DataError: it is refused, and the policy is `stop`.
    """
    try:
        return act(messages)
    except DataError as error:
        if error.code not in (REFUSED, SPELLED) or on_refusal == "stop":
            raise
    if on_refusal == "merge_system" and any(message.role == "system" for message in messages):
        try:
            return act(merge_system(messages))
        except DataError as error:
            if error.code not in (REFUSED, SPELLED):
                raise
    return None


def accepted(messages: Messages, tokenizer: Any, on_refusal: str, tools: Tools = ()) -> Messages | None:
    """The conversation as a run trains on it; None where it is left out. Raises as `attempt`."""

    def checked(messages: Messages) -> Messages:
        check(messages, tokenizer, tools)
        return messages

    return attempt(checked, messages, on_refusal)


def question(messages: Messages, tokenizer: Any, on_refusal: str) -> Messages:
    """A conversation that a model is asked to continue, with its system text where the run put it."""
    if on_refusal != "merge_system" or all(message.role != "system" for message in messages):
        return messages
    try:
        render_prompt(messages, tokenizer)
    except DataError:
        return merge_system(messages)
    return messages


def merge_system(messages: Messages) -> tuple[Message, ...]:
    """The conversation without system messages, their text in front of the first input."""
    texts = [message.content for message in messages if message.role == "system" and message.content.strip()]
    rest = [message for message in messages if message.role != "system"]
    first = next((index for index, message in enumerate(rest) if message.role == "user"), None)
    if first is not None:
        rest[first] = replace(rest[first], content="\n\n".join([*texts, rest[first].content]))
    return tuple(rest)


def rendered(examples: Iterable[Example], tokenizer: Any, on_refusal: str) -> Iterator[Rendered | None]:
    """Each example as tokens; None where the policy leaves it out, and for those of the test split.

    Raises:
        DataError: names the first example that is refused, if the policy is `stop`.
    """
    for position, example in enumerate(ahead(examples, tokenizer)):
        if example.split == "test":
            yield None
            continue
        try:
            yield attempt(partial(render, tokenizer=tokenizer, tools=example.tools), example.messages, on_refusal)
        except DataError as error:
            raise of_example(error, position, example.source_line) from error


def of_example(error: DataError, position: int, line: int) -> DataError:
    """The error with the example that it is about: `position` from 0; `line` from 1, 0 where there is none."""
    return DataError(
        f"{place(position, line).capitalize()}: {error.message}",
        "Leave out what the template refuses, or put the system text into the first input (the setting on_refusal); "
        "or choose another base model.",
        code=error.code,
    )


def place(position: int, line: int) -> str:
    """`example 17 (line 18)`."""
    return f"example {position + 1:,}" + (f" (line {line:,})" if line else "")
