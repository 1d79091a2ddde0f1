"""How long answers may be: a base that rambles on must not take longer than a tuned model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from core.models import base_models
from core.models.base_models.light_tokenizer import load_tokenizer
from core.services.serving.evaluating import contestants
from core.services.serving.evaluating.questions import EvaluationQuestion
from core.services.training import models
from core.serving.evaluations.records import EvaluationRecord
from worker.serving.evaluating.asking import SUITE_TOKENS

ROOM: Final = 1.5  # relative to the longest expected output
MOST_TOKENS: Final = 512
_SPARE: Final = 8  # tokens
_SPARE_OF_CALLS: Final = 96  # a family writes more around a call than the text that is compared
_CHARACTERS_PER_TOKEN: Final = 3  # where no tokenizer is known: fewer than usual, so that nothing is cut
_COUNTED: Final = 50  # the longest outputs by characters


def of_answers(evaluation: EvaluationRecord, asked: Sequence[EvaluationQuestion]) -> int:
    """The most tokens of an answer to an example."""
    if evaluation.settings.max_tokens:
        return evaluation.settings.max_tokens
    outputs = sorted((question.expected for question in asked if not question.suite), key=len)[-_COUNTED:]
    spare = _SPARE_OF_CALLS if any(question.expects_calls for question in asked) else _SPARE
    return min(MOST_TOKENS, round(_longest(evaluation, outputs) * ROOM) + spare)


def of_answer(question: EvaluationQuestion, most: int) -> int:
    """The most tokens of an answer to this question."""
    return SUITE_TOKENS if question.suite else most


def _longest(evaluation: EvaluationRecord, outputs: Sequence[str]) -> int:
    own = next((model for model in evaluation.models if model.kind != "connection"), None)
    if own is None:
        return max(map(len, outputs), default=0) // _CHARACTERS_PER_TOKEN
    registered = contestants.registered_id(own.id)
    base = base_models.resolve(models.get_model(registered).base_model if registered else own.id)
    assert base.path is not None
    tokenizer = load_tokenizer(base.path, base.revision)
    return max((len(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in outputs), default=0)
