"""Both models answer a dataset's test split: the examples that no training has seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from core.errors import DataError
from core.messages import Example
from core.models.refusals import accepted
from core.platform.tasks.context import Outcome, TaskContext
from core.services.data import datasets
from core.services.training.results import SplitTestResult, TestedQuestion
from worker.training.generate import answer, split_last_answer
from worker.training.tested_models import TestedModels

MOST: Final = 400  # examples; more would take long and change a share by less than 5 percentage points
ROOM: Final = 1.5  # an answer may be so many times as long as the longest expected one
MOST_TOKENS: Final = 512


def handle(ctx: TaskContext) -> Outcome:
    """The task `test_split`: payload `job_id` and `dataset_version_id`; the result is a SplitTestResult."""
    models = TestedModels.of(ctx)
    examples = _examples(ctx.payload["dataset_version_id"], models)
    most = _most_tokens(examples, models.tokenizer)
    tuned = _answers(ctx, models.tuned(), models.tokenizer, examples, most, 5, "The tuned model answers")
    base = _answers(ctx, models.base(), models.tokenizer, examples, most, 50, "The base model answers")
    return Outcome("succeeded", result=SplitTestResult(questions=_questions(examples, base, tuned)))


def _examples(version_id: str, models: TestedModels) -> list[Example]:
    """The first conversations of the test split; without those that the base's template refuses.

    Raises:
        DataError: there is none.
    """
    found: list[Example] = []
    for example in datasets.iter_examples(version_id, split="test"):
        if messages := accepted(example.messages, models.tokenizer, models.policy, example.tools):
            found.append(replace(example, messages=tuple(messages)))
        if len(found) == MOST:
            break
    if not found:
        raise DataError("The dataset has no test split.", "Split off a part for testing under Datasets.")
    return found


def _most_tokens(examples: Sequence[Example], tokenizer: Any) -> int:
    """The length at which an answer is cut: a base that rambles on must not take longer than the tuned model."""
    longest = max(len(tokenizer.encode(split_last_answer(example.messages)[1])) for example in examples)
    return min(MOST_TOKENS, round(longest * ROOM) + 8)


def _answers(
    ctx: TaskContext, model: Any, tokenizer: Any, examples: Sequence[Example], most: int, start: float, text: str
) -> list[str]:
    """Greedy answers of one model; 45 percent of the task's progress."""

    def between(share: float) -> None:
        ctx.raise_if_interrupted()
        ctx.progress(start + 45 * share, "Evaluating", text)

    between(0)
    questions = [split_last_answer(example.messages)[0] for example in examples]
    tools = [example.tools for example in examples]
    return answer(model.eval(), tokenizer, questions, tools=tools, max_new_tokens=most, between=between)


def _questions(examples: Sequence[Example], base: Sequence[str], tuned: Sequence[str]) -> tuple[TestedQuestion, ...]:
    asked = []
    for example, plain, trained in zip(examples, base, tuned, strict=True):
        question, expected = split_last_answer(example.messages)
        asked.append(TestedQuestion(example.split, question[-1].content, expected, plain, trained, part=example.source))
    return tuple(asked)
