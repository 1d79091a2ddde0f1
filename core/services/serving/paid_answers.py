"""Answers of models behind connections as paid work: reserved before the first token, billed by their tokens.

A day's answers of one model are one row under Spending.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from core.ids import new_id
from core.models.llm.prices import Price
from core.platform.db.uow import UnitOfWork
from core.services.platform import budgets
from core.services.platform.budgets import ANSWERS, PaidWork
from core.services.serving import connected
from core.serving.targets import AnswerChunk, ChatOptions
from core.text import estimated_tokens

_PROMPT_SHARE: Final = 1.25  # prompts are counted in characters
_WHAT: Final = "answer"

Messages = Sequence[Mapping[str, Any]]


def check(model_ids: Sequence[str], messages: Messages, options: ChatOptions) -> None:
    """Raises BudgetReached: a budget does not cover answers of these models, and no reason was given."""
    for model_id in model_ids:
        connection, name = connected.place(model_id)
        if work := _upper(connection.price(name), connection.name, messages, options):
            with UnitOfWork() as uow:  # left without a commit
                budgets.reserve_for(uow, work, new_id(_WHAT), "")


def noted(
    model_id: str, title: str, messages: Messages, options: ChatOptions, chunks: Iterable[AnswerChunk]
) -> Iterator[AnswerChunk]:
    """Hand an answer on. What it may cost is reserved before it begins, and replaced by its bill.

    Where the service does not count the tokens, because the answer was stopped or broke off, they are estimated.

    Args:
        model_id: behind a connection.

    Raises:
        BudgetReached: a budget does not cover it, or its price is not known; nothing is asked.
    """
    connection, name = connected.place(model_id)
    price = connection.price(name)
    work = _upper(price, connection.name, messages, options)
    what_id = new_id(_WHAT) if work else ""
    if work:
        with UnitOfWork() as uow:
            budgets.reserve_for(uow, work, what_id, f"Answers of “{title}”")
            if price is not None:  # else it was only checked that no budget applies
                uow.commit()
    if not work or price is None:
        yield from chunks
        return
    text, last = 0, AnswerChunk()
    try:
        for chunk in chunks:
            text, last = text + len(chunk.text), chunk
            yield chunk
    finally:
        counted = last.prompt_tokens or last.completion_tokens
        prompt = last.prompt_tokens if counted else _tokens(messages) if text else 0
        budgets.gather(what_id, price.cost(prompt, last.completion_tokens if counted else _of_text(text)))


def _upper(price: Price | None, provider: str, messages: Messages, options: ChatOptions) -> PaidWork | None:
    """What an answer may cost at most; None for a free one."""
    if price is None:
        return PaidWork(ANSWERS, None, provider)
    if price.is_free:
        return None
    prompt = _tokens(messages)
    most = price.cost(round(prompt * _PROMPT_SHARE), options.max_tokens)
    return PaidWork(ANSWERS, most, provider, price.cost(prompt, 1))


def _tokens(messages: Messages) -> int:
    return sum(_of_text(len(str(message.get("content") or ""))) for message in messages)


def _of_text(characters: int) -> int:
    return estimated_tokens(characters)
