"""The smoke test after a publication: greedy answers to held-out inputs, the target's against the studio's."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from core.errors import NotFound
from core.services.data import datasets
from core.services.training import models
from core.services.training.models import ModelRecord
from core.serving.deployments import SmokeAnswer, SmokeTest
from core.serving.targets.base import AnswerChunk, ChatOptions

INPUTS: Final = 5
MAX_TOKENS: Final = 96
_SPLITS: Final = ("test", "validation", "train")  # held-out ones first
_MARKS: Final = ("<|", "|>", "[INST]", "</s>", "<start_of_turn>", "<end_of_turn>")

Ask = Callable[[Sequence[Mapping[str, Any]], ChatOptions], Iterator[AnswerChunk]]
Messages = tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class TimedAnswer:
    """`seconds` from the first piece to the last; `ended`: by the model, not by the limit."""

    text: str
    tokens: int
    seconds: float
    ended: bool


def smoke_test(
    model: ModelRecord, studio: Ask, target: Ask, quantized: str, report: Callable[[float], None]
) -> SmokeTest:
    """Ask both and compare.

    Args:
        quantized: the precision of the published weights if they are quantized, such as q8_0, else "".
        report: gets the share that is done; it may raise to stop.

    Raises:
        StudioError: one of both does not answer.
    """
    inputs = held_out(model)
    if not inputs:
        return SmokeTest(skipped="Not compared: the model's dataset was deleted.", tested_at=time.time())
    for ask in (studio, target):  # loads the model, which is not measured
        _answer(ask, inputs[0], 1)
    answers, times = [], []
    for number, messages in enumerate(inputs):
        report(number / len(inputs))
        here, there = _answer(studio, messages, MAX_TOKENS), _answer(target, messages, MAX_TOKENS)
        times.append((here, there))
        answers.append(_compared(str(messages[-1]["content"]), here, there, quantized))
    return SmokeTest(
        tuple(answers),
        studio_tokens_per_s=_speed([here for here, _ in times]),
        target_tokens_per_s=_speed([there for _, there in times]),
        tested_at=time.time(),
    )


def held_out(model: ModelRecord) -> list[Messages]:
    """The first inputs of the dataset that the model was not trained on, with their system messages; of the training
    part where nothing was held out, and none where the dataset was deleted."""
    version_id = models.trained_version(model.id)
    found: list[Messages] = []
    try:
        for split in _SPLITS:
            for example in islice(datasets.iter_examples(version_id, split=split), 50):
                messages: list[dict[str, Any]] = []
                for message in example.messages:
                    if message.role == "assistant":
                        break
                    messages.append({"role": message.role, "content": message.content})
                if messages and messages[-1]["role"] == "user" and tuple(messages) not in found:
                    found.append(tuple(messages))
                if len(found) == INPUTS:
                    return found
    except NotFound:
        return found
    return found


def _answer(ask: Ask, messages: Messages, max_tokens: int) -> TimedAnswer:
    text, tokens, reason, began = "", 0, "", 0.0
    for chunk in ask(messages, ChatOptions(max_tokens=max_tokens, temperature=0.0)):
        began = began or time.monotonic()
        text += chunk.text
        tokens = chunk.completion_tokens or tokens
        reason = chunk.finish_reason or reason
    return TimedAnswer(text, tokens, time.monotonic() - began if began else 0.0, reason == "stop")


def _speed(answers: Sequence[TimedAnswer]) -> float | None:
    """Tokens per second after the first one."""
    tokens, seconds = sum(max(0, one.tokens - 1) for one in answers), sum(one.seconds for one in answers)
    return tokens / seconds if tokens and seconds > 0 else None


def _compared(question: str, studio: TimedAnswer, target: TimedAnswer, quantized: str) -> SmokeAnswer:
    here, there = studio.text.strip(), target.text.strip()
    if here == there:
        return SmokeAnswer(question, here, there)
    pairs = zip(here, there, strict=False)
    place = next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(here), len(there)))
    return SmokeAnswer(question, here, there, place, _cause(studio, target, here, there, place, quantized))


def _cause(studio: TimedAnswer, target: TimedAnswer, here: str, there: str, place: int, quantized: str) -> str:
    """The likely cause of a difference, as a sentence."""
    if place == len(here) and studio.ended:
        return "Likely the stop token: the target goes on where the studio's answer ends."
    if place == len(there) and target.ended:
        return "Likely the stop token: the target's answer ends early."
    if any(mark in there and mark not in here for mark in _MARKS):
        return "Likely the chat template: the target's answer has marks of a template in it."
    if place == 0:
        return "Likely the chat template or the system message: the answers differ from the first character."
    if quantized:
        return f"Likely quantization ({quantized}): the answers are the same up to a place where two tokens are close."
    return "Likely rounding: the answers are the same up to a place where two tokens are close."
