"""The rows of an upload for the smart mode, and an estimate for all of them."""

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
TOKENS_PER_EXAMPLE = 60  # of a question and an answer of two sentences, before anything is measured
# The range around an estimate, as factors of the tokens of prompts and answers. Before anything is measured an answer
# may be half, or three times, as long as the usual one; prompts are counted in characters.
TYPICAL_RANGE = ((0.8, 0.5), (1.25, 3.0))
MEASURED_RANGE = ((0.9, 0.8), (1.1, 1.5))


def items(source_id: str, recipe: SmartRecipe) -> Iterator[Item]:
    """The readable rows with their chosen cells, at most `max_rows`."""
    readable = (row for row in sources.read(source_id) if isinstance(row, Row))
    for position, row in enumerate(islice(readable, recipe.max_rows)):
        yield Item(position, row.line, prompts.cells_of(row.fields, recipe.columns))


def rejects(source_id: str) -> Iterator[Reject]:
    """Records that could not be read as a row."""
    return (row for row in sources.read(source_id) if isinstance(row, Reject))


def fingerprint(source_id: str) -> str:
    """Identifies the file and its reading options: rows keep their positions only while both stay the same."""
    record = sources.get(source_id)
    reading = json.dumps([record.sha256, record.detection.to_dict()], sort_keys=True, default=str)
    return hashlib.sha256(reading.encode("utf-8", "backslashreplace")).hexdigest()[:16]


def check_reading(source_id: str, reading: str) -> None:
    """Check that the rows are the same as when the run started.

    Args:
        reading: the fingerprint from the start; "" in runs of earlier releases.

    Raises:
        DataError: the reading options of the file have changed.
    """
    if reading not in ("", fingerprint(source_id)):
        text = "The file's reading options changed since this run started, so its rows differ."
        raise DataError(text, "Restore the options and retry, or start a new run.")


def count(source_id: str, recipe: SmartRecipe) -> int:
    """The number of rows to process."""
    profile = sources.analyze(source_id)
    readable = profile.total_rows - profile.rejected_rows
    return min(readable, recipe.max_rows) if recipe.max_rows else readable


def check(source_id: str, recipe: SmartRecipe) -> None:
    """Check that the recipe fits the table. Raises DataError."""
    recipe.check(tuple(column.name for column in sources.analyze(source_id).columns))


class RowsWithoutCall:
    """The results of rows that need no call: empty rows, repetitions of an earlier row, and rows too long to send.

    Called with every row of a run in order, including finished ones.
    """

    def __init__(self) -> None:
        self._first: dict[bytes, int] = {}  # the line of the first row with these cells

    def __call__(self, item: Item) -> RowResult | None:
        ended = RowResult(item.line, "empty", position=item.position)
        if not item.cells:
            return replace(ended, reason="Every chosen column is empty in this row.")
        key = spaceless_key(f"{name}\x1e{value}" for name, value in item.cells.items())
        if key in self._first:
            text = f"The chosen columns are the same as in line {self._first[key]:,}."
            return replace(ended, state="duplicate", reason=text)
        self._first[key] = item.line
        if sum(map(len, item.cells.values())) > prompts.MAX_ROW_CHARACTERS:
            text = f"The row is longer than {prompts.MAX_ROW_CHARACTERS:,} characters."
            return replace(ended, state="failed", reason=text, cause="too_long")
        return None


def estimate(source_id: str, recipe: SmartRecipe, price: Price | None) -> SmartEstimate:
    """An estimate for all rows, from the prompts of the first ones and a typical length of the answers."""
    rows = count(source_id, recipe)
    sample = list(islice(items(source_id, recipe), SAMPLED))
    if not sample:
        raise DataError("The file has no rows.", "Choose another file.", code="no_rows")
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
    most = calls * recipe.max_tokens
    return _estimate(rows, calls, (mean_prompt, tokens), price, basis, TYPICAL_RANGE, most)


def measured(rows: int, results: list[RowResult], price: Price | None) -> SmartEstimate | None:
    """An estimate for all rows, from rows that were sent; None if none was answered."""
    asked = [result for result in results if result.prompt_tokens]
    if not asked:
        return None
    share = len(asked) / len(results)
    prompt = sum(result.prompt_tokens for result in asked) / len(asked)
    completion = sum(result.completion_tokens for result in asked) / len(asked)
    basis = f"{len(asked)} rows that were sent to the model"
    return _estimate(rows, round(rows * share), (prompt, completion), price, basis, MEASURED_RANGE)


def _estimate(
    rows: int,
    calls: int,
    means: tuple[float, float],
    price: Price | None,
    basis: str,
    around: tuple[tuple[float, float], tuple[float, float]],
    most: int | None = None,
) -> SmartEstimate:
    """An estimate from the mean tokens of a prompt and an answer; all answers together have at most `most`."""
    prompt_tokens, completion_tokens = (round(calls * mean) for mean in means)

    def cost(of_prompts: float, of_answers: float) -> float | None:
        answers = completion_tokens * of_answers
        answers = answers if most is None else min(answers, most)
        return price.cost(round(prompt_tokens * of_prompts), round(answers)) if price else None

    low, high = (cost(*factors) for factors in around)
    as_of = price.as_of if price else ""
    return SmartEstimate(rows, calls, prompt_tokens, completion_tokens, cost(1, 1), basis, as_of, low, high)
