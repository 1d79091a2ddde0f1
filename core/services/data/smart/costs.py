"""What writing with a language model costs: at most, before it starts, and until now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from core.data.conversion.smart.prompts import SmartPrompt, for_variations
from core.data.conversion.smart.recipe import SmartRecipe
from core.models.llm.prices import Price
from core.platform.tasks.records import TaskRecord
from core.services.data import datasets
from core.services.data.smart import row_store, source as smart_source
from core.services.platform import connections
from core.services.platform.budgets import SMART, PaidWork
from core.services.platform.connections import ConnectionRecord
from core.text import estimated_tokens

_HIGH: Final = smart_source.TYPICAL_RANGE[1]


def upper(payload: Mapping[str, Any]) -> PaidWork:
    """What a task with this payload may cost at most; its own budget is a limit too."""
    recipe = SmartRecipe.of(payload["recipe"])
    record = connections.get(recipe.connection_id)
    price = record.price(recipe.model)
    most = None if price is None else 0.0 if price.is_free else _most(payload, recipe, price)
    limit = payload.get("budget_usd")
    if limit is not None and most is not None:
        most = min(most, float(limit))
    return PaidWork(SMART, most, record.name)


def spent(task: TaskRecord) -> float:
    """US dollars of every row that was answered."""
    return row_store.totals(task.id).cost_usd


def of_prompts(prompts: Sequence[SmartPrompt], recipe: SmartRecipe, record: ConnectionRecord) -> PaidWork:
    """What calls with these prompts may cost at most, each of them sent once."""
    price = record.price(recipe.model)
    if price is None:
        return PaidWork(SMART, None, record.name)
    characters = sum(len(message["content"]) for prompt in prompts for message in prompt.messages)
    most = price.cost(round(estimated_tokens(characters) * _HIGH[0]), len(prompts) * recipe.max_tokens)
    return PaidWork(SMART, most, record.name)


def _most(payload: Mapping[str, Any], recipe: SmartRecipe, price: Price) -> float:
    positions = payload.get("positions")
    if "version_id" in payload:
        return _variations(str(payload["version_id"]), frozenset(positions or ()), recipe, price)
    estimate = smart_source.estimate(str(payload["source_id"]), recipe, price)
    share = 1.0 if positions is None else len(positions) / max(estimate.rows, 1)
    return (estimate.high_usd or 0.0) * share


def _variations(version_id: str, positions: frozenset[int], recipe: SmartRecipe, price: Price) -> float:
    """The cost of variations: each about as long as its example, at most three times."""
    characters = answers = 0
    for position, example in enumerate(datasets.iter_examples(version_id)):
        if position in positions:
            prompt = for_variations(example.messages, recipe.examples_per_row, recipe.instructions)
            characters += sum(len(message["content"]) for message in prompt.messages)
            own = sum(len(message.content) for message in example.messages[-2:])
            tokens = estimated_tokens(own) * recipe.examples_per_row * _HIGH[1]
            answers += min(round(tokens) + smart_source.TOKENS_PER_EXAMPLE, recipe.max_tokens)
    return price.cost(round(estimated_tokens(characters) * _HIGH[0]), answers)
