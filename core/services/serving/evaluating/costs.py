"""What an evaluation costs: the answers of models behind connections, and the judgments of a judge there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core.models.llm.prices import Price
from core.models.tool_calls import as_text
from core.platform.tasks.records import TaskRecord
from core.services.platform.budgets import JUDGING, PaidWork
from core.services.serving import connected
from core.services.serving.evaluating import judging, questions
from core.services.serving.evaluating.questions import EvaluationQuestion
from core.serving.evaluations import store
from core.serving.evaluations.records import Contestant, EvaluationRecord, EvaluationSettings
from core.text import estimated_tokens

MOST_ANSWER_TOKENS: Final = 512  # where no maximum is set (worker/serving/evaluating/lengths.py)
_LOW_SHARE: Final = 0.3  # of the longest answers, at the lower end; prompts are counted in characters
_PROMPTS: Final = (0.8, 1.25)


@dataclass(frozen=True, slots=True)
class EvaluationCost:
    """The range of what an evaluation costs, in US dollars; None where a price is not known.

    `calls` are paid for, at `provider`.
    """

    low_usd: float | None
    high_usd: float | None
    calls: int
    provider: str = ""


@dataclass(frozen=True, slots=True)
class _Calls:
    """Calls of one model: how many, the tokens of all prompts, and the most tokens of an answer."""

    price: Price | None
    count: int
    prompt_tokens: int
    answer_tokens: int

    def cost(self, end: int) -> float:
        assert self.price is not None
        share = (_LOW_SHARE, 1.0)[end]
        answers = round(self.count * self.answer_tokens * share)
        return self.price.cost(round(self.prompt_tokens * _PROMPTS[end]), answers)


def estimate(models: Sequence[Contestant], version_id: str, split: str, settings: EvaluationSettings) -> EvaluationCost:
    """The range of what an evaluation costs, without asking a model.

    Raises:
        DataError: there is nothing to ask. NotFound: the version or a connection does not exist.
    """
    judge = settings.judge
    of_judge = [Contestant(judge["model"], judge["title"], judge["kind"])] if judge else []
    elsewhere = [model for model in (*models, *of_judge) if model.kind == "connection"]
    if not elsewhere:
        return EvaluationCost(0.0, 0.0, 0)
    asked, _ = questions.of_dataset(version_id, split, settings.limit, models)
    of_dataset = len(asked)
    asked += questions.of_suites(settings.suites)
    prompts = sum(map(_prompt_tokens, asked))
    longest = max((len(one.expected) for one in asked), default=0)
    most = settings.max_tokens or min(MOST_ANSWER_TOKENS, max(longest // 2 + 8, 64))
    of_models = [
        _Calls(_price(model), len(asked) * repeats, prompts * repeats, most)
        for model in models
        if model.kind == "connection"
        for repeats in (settings.repeats if model.id == settings.against else 1,)
    ]
    if of_judge and of_judge[0].kind == "connection":
        pairs = 2 * of_dataset * sum(model.id != settings.against for model in models)
        rubric = estimated_tokens(len(str(judge.get("rubric") or judging.RUBRIC)) + len(judging.ASKED))
        each = prompts / max(len(asked), 1) + 2 * most + rubric + estimated_tokens(longest)
        of_models.append(_Calls(_price(of_judge[0]), pairs, round(pairs * each), judging.JUDGMENT_TOKENS))
    names = sorted({connected.target(model.id).title for model in elsewhere})
    count = sum(one.count for one in of_models)
    if any(one.price is None for one in of_models):
        return EvaluationCost(None, None, count, ", ".join(names))
    low, high = (sum(one.cost(end) for one in of_models) for end in (0, 1))
    return EvaluationCost(low, high, count, ", ".join(names))


def paid(models: Sequence[Contestant], version_id: str, split: str, settings: EvaluationSettings) -> PaidWork:
    """What an evaluation may cost at most."""
    found = estimate(models, version_id, split, settings)
    return PaidWork(JUDGING, found.high_usd, found.provider, found.low_usd)


def spent(task: TaskRecord) -> float | None:
    """US dollars of every answer from behind a connection; None where a price is not known.

    Raises:
        NotFound: the connection of answers was deleted.
    """
    evaluation = store.get(str(task.payload["evaluation_id"]))
    total = 0.0
    for model in _elsewhere(evaluation):
        answers = store.answers(evaluation.id, model_id=model.id, repeat=None)
        price = _price(model) if answers else None
        if answers and price is None:
            return None
        for answer in answers:
            assert price is not None
            total += price.cost(answer.prompt_tokens, answer.tokens)
    return total


def _prompt_tokens(question: EvaluationQuestion) -> int:
    texts = [*map(as_text.in_words, question.messages), *(json.dumps(tool, default=str) for tool in question.tools)]
    return sum(estimated_tokens(len(text)) for text in texts)


def _elsewhere(evaluation: EvaluationRecord) -> list[Contestant]:
    """Every model behind a connection once, with the judge: its judgments are its answers too."""
    judge = judging.contestant(evaluation)
    found = {model.id: model for model in (*evaluation.models, *([judge] if judge else ()))}
    return [model for model in found.values() if model.kind == "connection"]


def _price(model: Contestant) -> Price | None:
    return connected.price(model.id)
