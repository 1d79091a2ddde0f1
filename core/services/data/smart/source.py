"""The rows of an upload as the smart mode takes them, and what asking about all of them will take."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from core.data.conversion.smart import prompts
from core.data.conversion.smart.recipe import SmartRecipe
from core.data.examples.likeness import spaceless_key
from core.errors import DataError
from core.messages import Reject, Row
from core.models.llm.prices import Price
from core.services.data import sources
from core.services.data.smart.records import RowResult, SmartEstimate
from core.services.data.smart.writer import Item
from core.text import CHARACTERS_PER_TOKEN

SAMPLED = 50
TOKENS_PER_EXAMPLE = 60  # of a question and an answer of two sentences, where nothing was measured


def items(source_id: str, recipe: SmartRecipe) -> Iterator[Item]:
    """The readable rows with their chosen cells, at most `max_rows`."""
    readable = (row for row in sources.read(source_id) if isinstance(row, Row))
    for position, row in enumerate(islice(readable, recipe.max_rows)):
        yield Item(position, row.line, prompts.cells_of(row.fields, recipe.columns))


def rejects(source_id: str) -> Iterator[Reject]:
    """What could not be read as a row."""
    return (row for row in sources.read(source_id) if isinstance(row, Reject))


def fingerprint(source_id: str) -> str:
    """Names the file and the way it is read: rows keep their positions only as long as it stays the same."""
    record = sources.get(source_id)
    way = json.dumps([record.sha256, record.detection.to_dict()], sort_keys=True, default=str)
    return hashlib.sha256(way.encode("utf-8", "backslashreplace")).hexdigest()[:16]


def check_reading(source_id: str, reading: str) -> None:
    """Refuse to go on with rows that are others than when the work began.

    Args:
        reading: the fingerprint of then; "" where none was kept.

    Raises:
        DataError: the file is read another way by now.
    """
    if reading not in ("", fingerprint(source_id)):
        raise DataError(
            "The file is read another way now than when this run began, so its rows are others.",
            "Read it as before and retry, or start a new run.",
        )


def count(source_id: str, recipe: SmartRecipe) -> int:
    """How many rows there are to do."""
    profile = sources.analyze(source_id)
    readable = profile.total_rows - profile.rejected_rows
    return min(readable, recipe.max_rows) if recipe.max_rows else readable


def check(source_id: str, recipe: SmartRecipe) -> None:
    """Refuse what cannot work with this table. Raises DataError."""
    recipe.check(tuple(column.name for column in sources.analyze(source_id).columns))


class RowsWithoutCall:
    """The end of rows that need no call: empty ones, repetitions of an earlier row, and those too long to send.

    Called with every row of a run in order, those that have an end already included.
    """

    def __init__(self) -> None:
        self._first: dict[bytes, int] = {}  # the line of the first row with these cells

    def __call__(self, item: Item) -> RowResult | None:
        ended = RowResult(item.line, "empty", position=item.position)
        if not item.cells:
            return replace(ended, reason="Every chosen column is empty in this row.")
        key = spaceless_key(f"{name}\x1e{value}" for name, value in item.cells.items())
        if key in self._first:
            said = f"The chosen columns are the same as in line {self._first[key]:,}."
            return replace(ended, state="duplicate", reason=said)
        self._first[key] = item.line
        if sum(map(len, item.cells.values())) > prompts.MAX_ROW_CHARACTERS:
            said = f"The row is longer than {prompts.MAX_ROW_CHARACTERS:,} characters."
            return replace(ended, state="failed", reason=said, cause="too_long")
        return None


def estimate(source_id: str, recipe: SmartRecipe, price: Price | None) -> SmartEstimate:
    """What all rows will take, from the prompts of the first ones and a usual length of the answers."""
    rows = count(source_id, recipe)
    sample = list(islice(items(source_id, recipe), SAMPLED))
    if not sample:
        raise DataError("There is no row to write from.", "Choose another file.", code="no_rows")
    asked = [item for item in sample if item.cells]
    characters = 0
    for item in asked:
        questions = prompts.questions_of(recipe, item.position, item.cells)[: recipe.examples_per_row]
        prompt = prompts.for_row(recipe, item.cells, questions, recipe.examples_per_row - len(questions))
        characters += sum(len(message["content"]) for message in prompt.messages)
    share = len(asked) / len(sample)
    calls = round(rows * share)
    mean_prompt = characters / CHARACTERS_PER_TOKEN / max(len(asked), 1)
    tokens = min(TOKENS_PER_EXAMPLE * recipe.examples_per_row, recipe.max_tokens)
    basis = f"the first {len(sample):,} rows, and about {TOKENS_PER_EXAMPLE} tokens for each example"
    return _estimate(rows, calls, mean_prompt, tokens, price, basis)


def measured(rows: int, results: list[RowResult], price: Price | None) -> SmartEstimate | None:
    """What all rows will take, from rows that were really asked; None where none was answered."""
    asked = [result for result in results if result.prompt_tokens]
    if not asked:
        return None
    share = len(asked) / len(results)
    prompt = sum(result.prompt_tokens for result in asked) / len(asked)
    completion = sum(result.completion_tokens for result in asked) / len(asked)
    return _estimate(rows, round(rows * share), prompt, completion, price, f"{len(asked)} rows that were really asked")


def _estimate(
    rows: int, calls: int, prompt: float, completion: float, price: Price | None, basis: str
) -> SmartEstimate:
    prompt_tokens, completion_tokens = round(calls * prompt), round(calls * completion)
    cost = price.cost(prompt_tokens, completion_tokens) if price else None
    return SmartEstimate(rows, calls, prompt_tokens, completion_tokens, cost, basis, price.as_of if price else "")
