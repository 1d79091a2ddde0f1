"""How many answers of the base and of the tuned model are exactly the expected ones, on a dataset's examples."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from core.messages import Example
from core.models.refusals import accepted
from core.platform.tasks.context import Outcome, TaskContext
from core.services.data import datasets
from core.services.training.results import ExactMatchResult, ExactShares, SplitCount, TestedQuestion
from worker.training.generate import Exactness, exact_match, split_last_answer
from worker.training.tested_models import TestedModels

MOST: Final = 200  # examples of each split; more would take long and add little
SAMPLES: Final = 6


def handle(ctx: TaskContext) -> Outcome:
    """The task `exact_match`: payload `job_id` and `dataset_version_id`.

    Both models answer the examples; the result is an ExactMatchResult.
    """
    models = TestedModels.of(ctx)
    examples = _examples(ctx.payload["dataset_version_id"], models)
    plain = _answers(ctx, models.base(), models.tokenizer, examples, 5, "The base model answers")
    tuned = _answers(ctx, models.tuned(), models.tokenizer, examples, 50, "The tuned model answers")
    result = ExactMatchResult(
        base=_share(plain),
        tuned=_share(tuned),
        counts=SplitCount(len(examples["train"]), len(examples["validation"])),
        samples=_samples(examples, plain, tuned),
    )
    return Outcome("succeeded", result=result)


def _examples(version_id: str, models: TestedModels) -> dict[str, list[Example]]:
    """The first conversations of each split, as the job trained on them."""
    first: dict[str, list[Example]] = {"train": [], "validation": []}
    for example in datasets.iter_examples(version_id):
        if (
            example.split in first
            and len(first[example.split]) < MOST
            and (messages := accepted(example.messages, models.tokenizer, models.policy, example.tools))
        ):
            first[example.split].append(replace(example, messages=tuple(messages)))
    return first


def _answers(
    ctx: TaskContext, model: Any, tokenizer: Any, examples: dict[str, list[Example]], start: float, text: str
) -> dict[str, Exactness]:
    """Greedy answers of one model to every split that has examples; 45 percent of the task's progress."""
    model.eval()
    filled = [split for split, items in examples.items() if items]
    results = {}
    for number, split in enumerate(filled):
        questions, expected = zip(*(split_last_answer(example.messages) for example in examples[split]), strict=True)
        tools = [example.tools for example in examples[split]]

        def between(share: float, number: int = number) -> None:
            ctx.raise_if_interrupted()
            ctx.progress(start + 45 * (number + share) / len(filled), "Evaluating", text)

        results[split] = exact_match(model, tokenizer, questions, expected, tools=tools, between=between)
    return results


def _share(results: dict[str, Exactness]) -> ExactShares:
    return ExactShares(**{split: exactness.share for split, exactness in results.items()})


def _samples(
    examples: dict[str, list[Example]], plain: dict[str, Exactness], tuned: dict[str, Exactness]
) -> tuple[TestedQuestion, ...]:
    """A few questions of each split with both answers."""
    samples = []
    for split in plain:
        for index, example in enumerate(examples[split][: SAMPLES // 2]):
            question, expected = split_last_answer(example.messages)
            answers = plain[split].answers[index], tuned[split].answers[index]
            samples.append(TestedQuestion(split, question[-1].content, expected, *answers))
    return tuple(samples)
