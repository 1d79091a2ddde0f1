"""Writes variations of existing examples with a language model: the kind `variations`.

It works like a smart run: a few examples are sent at a time, each answer is committed with its cost as soon as it
arrives, and a run that was killed continues with the examples that are not done yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from core.data.conversion.smart import answers, grounding, prompts
from core.data.conversion.smart.answers import BadAnswer, WrittenPair
from core.data.conversion.smart.recipe import SmartRecipe
from core.data.versions.files import EXAMPLES
from core.data.versions.rows import Entry, Rows
from core.errors import DataError
from core.messages import Message
from core.platform.db.uow import UnitOfWork
from core.platform.tasks.context import Outcome, TaskContext
from core.services.data.datasets.records import VersionRecord, get_dataset, get_version, version_file
from core.services.data.results import WrittenResult
from core.services.data.smart import row_store as smart_store, variations
from core.services.data.smart.records import GeneratedExample, RowResult
from core.services.data.smart.writer import Item, Writer, cut_flag, provenance_of
from worker.writing.adding import added_example, stage_added
from worker.writing.loop import RowLoop, open_writer

_FLAG: Final = "variation"


def handle(ctx: TaskContext) -> Outcome:
    """Send the examples that are not done yet to the model, then create the new version."""
    payload = ctx.payload
    recipe = SmartRecipe.of(payload["recipe"])
    version = get_version(str(payload["version_id"]))
    ctx.continues_at(ctx.task.progress)  # finished rows stay finished
    ctx.progress(0, "Reading the examples")
    entries = {entry.position: entry for entry in _chosen(version, payload["positions"])}
    reason = ""
    if not payload.get("finish"):
        writer = open_writer(recipe, VariationWriter)
        writer.entries = entries
        items = [Item(entry.position, entry.source_line, {}) for entry in entries.values()]
        reason = RowLoop(ctx, writer, len(items), iter(items), known=map(_key, entries.values())).run()
    ctx.progress(96, "Writing the new version")
    return _finish(ctx, recipe, get_dataset(version.dataset_id).version, entries, reason)


class VariationWriter(Writer):
    """Writes variations of an example in place of examples from a row."""

    entries: Mapping[int, Entry]

    def prompt(self, item: Item) -> tuple[prompts.SmartPrompt, tuple[str, ...], int]:
        messages = self.entries[item.position].example.messages
        count = self.recipe.examples_per_row
        return prompts.for_variations(messages, count, self.recipe.instructions), (), count

    def write(self, item: Item, prepaid_usd: float | None = None) -> RowResult:
        messages = self.entries[item.position].example.messages
        if _turn(messages) is None:
            self.budget.settle(prepaid_usd or 0.0, 0.0)
            reason = "The example does not end with a question and a text answer (tool calls cannot be varied)."
            return RowResult(item.line, "empty", reason, position=item.position)
        return super().write(item, prepaid_usd)

    def schema(self, fixed: int, free: int) -> dict[str, Any]:
        made = answers.schema_for(0, free, bounded=self.bounded)
        made["properties"] = {"variations": made["properties"]["more"]}
        return {**made, "required": ["variations"]}

    def parse(self, text: str, questions: tuple[str, ...], free: int) -> list[WrittenPair]:
        content = answers.load_object(text)
        if set(content) != {"variations"}:
            raise BadAnswer("The answer has no list of variations.")
        return answers.parse_pairs(content["variations"], "variations", free)

    def example(self, pair: WrittenPair, item: Item, cut: bool) -> GeneratedExample:
        messages = self.entries[item.position].example.messages
        turn = _turn(messages)
        assert turn is not None
        changed = list(messages)
        changed[turn] = Message("user", pair.question, name=messages[turn].name)
        changed[turn + 1] = replace(messages[turn + 1], content=pair.answer)
        given = [message.content for message in messages]
        flags = grounding.check(pair.answer, [*given, self.recipe.instructions])
        return GeneratedExample(tuple(changed), tuple(flags + ([cut_flag()] if cut else [])))


def _key(entry: Entry) -> bytes:
    return smart_store.key_of_example(GeneratedExample(entry.example.messages))


def _turn(messages: Sequence[Message]) -> int | None:
    """The position of the last question, if the example ends with a question and a text answer."""
    if len(messages) < 2 or messages[-2].role != "user" or messages[-1].role != "assistant":
        return None
    return None if messages[-1].tool_calls or not messages[-1].content.strip() else len(messages) - 2


def _chosen(version: VersionRecord, positions: Sequence[int]) -> Iterator[Entry]:
    chosen = frozenset(positions)
    return (entry for entry in Rows(version_file(version.id, EXAMPLES)) if entry.position in chosen)


def _finish(
    ctx: TaskContext, recipe: SmartRecipe, base: VersionRecord, entries: Mapping[int, Entry], reason: str
) -> Outcome:
    """The newest version with the variations at its end, published in the transaction that ends the task."""
    task_id = ctx.lease.task_id
    origin = provenance_of(recipe, ctx.task)
    added = []
    for row in smart_store.stream(task_id, "ok"):
        entry = entries[row.position]
        about = {**origin, "varies": row.position}
        # In the split of its original, so that nothing leaks from one split into the other, and with its tools.
        place = (entry.source, entry.source_line, about, _FLAG, entry.split, entry.example.tools)
        added += [added_example(made, *place) for made in row.examples]
    totals = smart_store.totals(task_id)
    if not added:
        first = next(iter(smart_store.page(task_id, limit=1)), None)
        reason = f" The first reason: {first.reason}" if first else ""
        raise DataError(f"The model wrote no variations of the {totals.done:,} examples.{reason}", "Try another model.")
    change = {
        "operation": variations.KIND,
        "what": f"Added {len(added):,} variations of {totals.by_state['ok']:,} examples, written by {recipe.model}.",
        "why": recipe.instructions,
        "parameters": {"recipe": recipe.model_dump(mode="json"), **origin, "cost_usd": totals.cost_usd},
    }
    staged = stage_added(ctx, base, added, change)
    ctx.progress(99, "Publishing")

    def publish(uow: UnitOfWork) -> WrittenResult:
        return totals.result(base.dataset_id, len(added), version_id=staged.publish(uow))

    return Outcome("succeeded", reason=reason, on_commit=publish)
