"""Before a smart run: a proposal of the model, an estimate, and real examples of the first rows."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from typing import Final

from core.data.conversion.smart import prompts, proposal as proposals
from core.data.conversion.smart.prompts import PROMPT_VERSION
from core.data.conversion.smart.recipe import SmartRecipe
from core.errors import DataError
from core.models.llm import LlmError
from core.models.llm.failures import FATAL
from core.models.llm.retry import Patience
from core.services.data import sources
from core.services.data.smart import costs, source as smart_source
from core.services.data.smart.records import Proposal, RowResult, SmartEstimate, SmartPreview
from core.services.data.smart.writer import Item, Usage, Writer
from core.services.platform import budgets, connections

SAMPLE_ROWS: Final = 5
SAMPLE_CELL: Final = 200  # characters of a cell that a proposal reads
PREVIEW_ROWS: Final = 20
_PATIENCE: Final = Patience(attempts=3, most_wait_s=10.0)  # a person is waiting


def propose(source_id: str, connection_id: str, model: str, columns: Sequence[str]) -> Proposal:
    """Question patterns and a system message for a table, proposed by a model from columns and sample rows.

    Raises:
        LlmError: the endpoint does not answer. DataError: no model or column is chosen. BudgetReached: a budget does
            not cover the call.
    """
    recipe = SmartRecipe.of({"connection_id": connection_id, "model": model, "columns": columns, "temperature": 0.3})
    smart_source.check(source_id, recipe)
    profile = [column for column in sources.analyze(source_id).columns if column.name in recipe.columns]
    rows = [
        {name: text[:SAMPLE_CELL] for name, text in item.cells.items()}
        for item in islice((item for item in smart_source.items(source_id, recipe) if item.cells), SAMPLE_ROWS)
    ]
    record = connections.get(connection_id)
    bounded = record.client_kind.bounds_text
    prompt = prompts.for_proposal(
        [{"name": column.name, "type": column.type} for column in profile], rows, proposals.COUNT
    )
    usage = Usage(record.price(model))
    notes: tuple[str, ...] = ()
    try:
        schema = proposals.schema(recipe.columns, bounded=bounded)
        with (
            budgets.paid_call(
                costs.of_prompts([prompt], recipe, record), "Proposal of questions", lambda: usage.cost_usd
            ),
            closing(connections.open_client(record.id, timeout_s=recipe.timeout_s)) as client,
        ):
            text, _ = Writer(client, recipe, usage.price, _PATIENCE).ask(prompt, schema, usage)
        checked = proposals.check(text, recipe.columns)
    except DataError as error:
        checked, notes = proposals.CheckedProposal("", (), ()), (error.message,)
    notes = (*notes, *checked.notes)
    by_model = bool(checked.patterns)
    if not by_model:
        notes = (*notes, "The model proposed no usable pattern; these are made from the column names.")
    return Proposal(
        system=checked.system or "You answer questions about the data of this table. You say so when you do not know.",
        patterns=checked.patterns or proposals.by_rule(profile),
        columns=recipe.columns,
        model=model,
        prompt_version=PROMPT_VERSION,
        notes=notes,
        by_model=by_model,
        cost_usd=usage.cost_usd,
    )


def estimate(source_id: str, recipe: SmartRecipe) -> SmartEstimate:
    """An estimate for all rows, without calling the model. Raises DataError if the recipe does not fit the table."""
    smart_source.check(source_id, recipe)
    return smart_source.estimate(source_id, recipe, connections.get(recipe.connection_id).price(recipe.model))


def _filled(source_id: str, recipe: SmartRecipe, start: int, most: int) -> list[Item]:
    """Rows with cells, the first `start` of them left out."""
    filled = (item for item in smart_source.items(source_id, recipe) if item.cells)
    return list(islice(filled, start, start + most))


def preview(source_id: str, recipe: SmartRecipe, rows: int = 3, start: int = 0) -> SmartPreview:
    """Send a few rows to the model; return the examples, their cost, and an estimate for all.

    A row that fails is returned with its reason.

    Args:
        rows: how many of the rows that are not empty.
        start: how many of them come before; if none is left, the first ones are sent.

    Raises:
        DataError: the recipe does not fit the table. LlmError: the endpoint cannot be used. BudgetReached: a budget
            does not cover the calls.
    """
    smart_source.check(source_id, recipe)
    record = connections.get(recipe.connection_id)
    price = record.price(recipe.model)
    wanted = min(max(rows, 1), PREVIEW_ROWS)
    chosen = _filled(source_id, recipe, start, wanted) or _filled(source_id, recipe, 0, wanted)
    if not chosen:
        raise DataError("Every row is empty in the chosen columns.", "Choose other columns.", field="columns")
    results: list[RowResult] = []
    with closing(connections.open_client(recipe.connection_id, timeout_s=recipe.timeout_s)) as client:
        writer = Writer(client, recipe, price, _PATIENCE, record.client_kind.bounds_text)
        most = costs.of_prompts([writer.prompt(item)[0] for item in chosen], recipe, record)
        with (
            budgets.paid_call(most, "Preview of smart mode", lambda: _cost(results)),
            ThreadPoolExecutor(min(len(chosen), recipe.concurrency)) as pool,
        ):
            results += pool.map(writer.write, chosen)
    for result in results:
        if result.cause in FATAL:
            raise LlmError(result.reason, cause=result.cause)
    measured = smart_source.measured(smart_source.count(source_id, recipe), results, price)
    return SmartPreview(
        results, _cost(results) if price else None, measured or smart_source.estimate(source_id, recipe, price)
    )


def _cost(results: Sequence[RowResult]) -> float:
    return sum(result.cost_usd or 0.0 for result in results)
