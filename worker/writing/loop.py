"""The loop of a smart task: rows are asked a few at a time, and each is committed as soon as its answer is there.

Threads ask; the handler's own thread does everything else: it hands rows out, commits results through the fenced unit
of work, renews the lease, and sees what a person asks for. A run that was killed goes on with the rows that have no end
yet: what was paid for and committed is never asked again.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextvars import copy_context
from dataclasses import replace
from typing import Final, TypeVar

from core.data.conversion.smart.recipe import SmartRecipe
from core.errors import StudioError
from core.models.llm import LlmError
from core.models.llm.failures import FATAL, RETRYABLE
from core.models.llm.retry import MOST_WAIT_S, Patience
from core.platform.tasks.context import Interrupted, Outcome, TaskContext
from core.services.data.smart import row_store as smart_store
from core.services.data.smart.records import RowResult
from core.services.data.smart.writer import Budget, Item, Writer
from core.services.platform import connections

W = TypeVar("W", bound=Writer)

log = logging.getLogger(__name__)

TICK_S: Final = 0.2
BUDGET_EVERY_S: Final = 1.0  # how often a changed budget is looked for
LAST_CALLS_S: Final = 5.0  # a cancel or a shutdown waits so long for answers that are under way
GIVE_UP_AFTER: Final = 5  # rows in a row that the endpoint did not answer: it is away, and the rest would fail too
_LOCAL_BATCH: Final = 200
SHARE: Final = 95.0  # percent of the progress; the rest is writing the dataset


class RowLoop:
    """Asks for every item through a writer.

    Args:
        total: items that there are, those with an end already included.
        items: in order; those that have an end already are passed over.
        known: keys of examples that are there already; what is written must differ from them.
        local: gives the end of an item that needs no call, or None where it does.

    Attributes:
        stopped_by: "" when every item has an end; else cancel, pause, stop, shutdown, budget or error.
    """

    def __init__(
        self,
        ctx: TaskContext,
        writer: Writer,
        total: int,
        items: Iterator[Item],
        local: Callable[[Item], RowResult | None] = lambda item: None,
        known: Iterable[bytes] = (),
    ) -> None:
        self.ctx, self.stopped_by = ctx, ""
        self._writer, self._rows, self._items, self._local = writer, total, items, local
        task_id = ctx.lease.task_id
        self._done = smart_store.positions(task_id)
        so_far = smart_store.totals(task_id)
        self._totals = dict(so_far.by_state)
        self._examples = 0
        self._seen_examples = set(known)
        for row in smart_store.stream(task_id, "ok"):
            self._examples += len(row.examples)
            self._seen_examples |= {smart_store.key_of_example(example) for example in row.examples}
        writer.budget = Budget(budget_of(ctx), so_far.cost_usd)
        self._halt = threading.Event()  # ends the waiting between tries, not the calls
        writer.patience = Patience(wait=self._halt.wait)
        self._hang_s = writer.recipe.timeout_s + MOST_WAIT_S + 60
        self._inbox: queue.SimpleQueue[tuple[Item, float] | None] = queue.SimpleQueue()
        self._outbox: queue.SimpleQueue[RowResult] = queue.SimpleQueue()
        self._budget_read_at = time.monotonic()
        self._error: LlmError | None = None
        self._streak: list[RowResult] = []  # rows that the endpoint did not answer, one after another

    @property
    def reason(self) -> str:
        """The reason of a success: it was stopped early, or nothing remarkable."""
        return "stopped_early" if self.stopped_by == "stop" else ""

    def run(self) -> None:
        """Ask until every row has an end, or a person asks to stop and keep the rest.

        Raises:
            Interrupted: it was cancelled or paused, the worker shuts down, or the budget is used up.
            LlmError: the endpoint cannot be used (a key that is refused, a model that is not there, nobody answers).
            LeaseLost: another worker has the task.
        """
        threads = [
            threading.Thread(target=copy_context().run, args=(self._work,), daemon=True)
            for _ in range(self._writer.recipe.concurrency)
        ]
        for thread in threads:
            thread.start()
        try:
            self._loop()
        finally:
            self._halt.set()
            for _ in threads:
                self._inbox.put(None)
            self._writer.client.close()
        ends = {"cancel": "cancelled", "pause": "paused", "budget": "paused", "shutdown": "released"}
        if self.stopped_by in ends:
            raise Interrupted(Outcome(ends[self.stopped_by], reason="budget" if self.stopped_by == "budget" else ""))

    # ---- the threads that ask

    def _work(self) -> None:
        while (job := self._inbox.get()) is not None:
            item, prepaid = job
            try:
                result = self._writer.write(item, prepaid)
            except Exception as error:  # a thread that dies silently would be waited for without end
                log.exception("Row %s could not be worked on", item.position)
                name = type(error).__name__
                result = RowResult(item.line, "failed", f"Something unexpected went wrong ({name}).", cause="error")
                result = replace(result, position=item.position)
            self._outbox.put(result)

    # ---- the thread that does everything else

    def _loop(self) -> None:
        unfinished = self._unfinished()
        open_calls, waiting, more = 0, None, True
        until = float("inf")
        while True:
            while more and not self.stopped_by and open_calls < self._writer.recipe.concurrency:
                waiting = waiting or next(unfinished, None)
                if waiting is None:
                    more = False
                    break
                most = self._writer.most_usd(self._writer.prompt(waiting)[0])
                if not self._writer.budget.set_aside(most):
                    if open_calls == 0 and not self._raised():
                        self._out_of_budget(most)
                    break
                self._inbox.put((waiting, most))
                waiting, open_calls = None, open_calls + 1
            if open_calls == 0 and (self.stopped_by or not more):
                if self._error is not None:
                    raise self._error
                return
            try:
                result = self._outbox.get(timeout=TICK_S)
            except queue.Empty:
                self._look_for_hangs()
            else:
                open_calls -= 1
                self._take(result)
            self._say()
            self._reread_budget()
            signal = self.ctx.signal()
            if signal and self.stopped_by not in (signal, "error"):
                self.stopped_by = signal
                self._halt.set()
                if signal in ("cancel", "shutdown"):
                    until = time.monotonic() + LAST_CALLS_S
            if time.monotonic() > until:
                return

    def _unfinished(self) -> Iterator[Item]:
        """The rows that need a call; those that need none are noted on the way."""
        local: list[RowResult] = []
        for item in self._items:
            ended = self._local(item)  # looked at for every item: the first of its kind may have an end already
            if item.position in self._done:
                continue
            if ended:
                local.append(ended)
                if len(local) >= _LOCAL_BATCH:
                    self._note(local)
                    local = []
                    self._say()
                    if signal := self.ctx.signal():
                        self.stopped_by = signal
                        return
                continue
            if local:
                self._note(local)
                local = []
            yield item
        if local:
            self._note(local)

    def _take(self, result: RowResult) -> None:
        """Commit what became of a row; a row that was stopped while waiting stays without an end."""
        if result.cause == "stopped" and result.prompt_tokens == 0:
            return
        if result.cause in FATAL:
            remedy = "Correct the connection, then retry: rows with an end are kept."
            self._give_up(LlmError(result.reason, remedy, cause=result.cause))
            return
        if result.state == "ok":
            result = self._without_repeats(result)
        self._note([result])
        self._watch_the_endpoint(result)

    def _without_repeats(self, result: RowResult) -> RowResult:
        fresh = []
        for example in result.examples:
            key = smart_store.key_of_example(example)
            if key not in self._seen_examples:
                self._seen_examples.add(key)
                fresh.append(example)
        if fresh:
            return replace(result, examples=tuple(fresh))
        return replace(result, state="duplicate", examples=(), reason="The model wrote what is there already.")

    def _note(self, results: list[RowResult]) -> None:
        smart_store.add(self.ctx, results)
        for result in results:
            self._done.add(result.position)
            self._totals[result.state] += 1
            self._examples += len(result.examples)

    def _watch_the_endpoint(self, result: RowResult) -> None:
        """Stop when nobody answers any more: better a run that can go on later than thousands of failed rows."""
        if result.state != "failed" or result.cause not in (*RETRYABLE, "refused"):
            self._streak = []
            return
        self._streak.append(result)
        alone = self._totals["ok"] == 0
        if len(self._streak) < GIVE_UP_AFTER or (result.cause == "refused" and not alone):
            return
        smart_store.forget(self.ctx, [row.position for row in self._streak])
        said = f"{len(self._streak)} rows in a row got no answer. The last time: {result.reason}"
        remedy = "When the endpoint answers again, retry: rows with an end are kept, the others are asked."
        self._give_up(LlmError(said, remedy, cause=result.cause))

    def _give_up(self, error: LlmError) -> None:
        """Ask no further row; answers that are under way are still waited for, because they are paid for."""
        self._error = self._error or error
        self.stopped_by = "error"
        self._halt.set()

    def _reread_budget(self) -> None:
        """A person may lower or raise it while the run goes on."""
        if time.monotonic() - self._budget_read_at >= BUDGET_EVERY_S:
            self._raised()

    def _raised(self) -> bool:
        """Whether a person has raised the budget meanwhile."""
        self._budget_read_at = time.monotonic()
        limit = budget_of(self.ctx)
        changed = limit != self._writer.budget.limit_usd
        self._writer.budget.limit_usd = limit
        return changed

    def _out_of_budget(self, most_usd: float) -> None:
        self.stopped_by = "budget"
        budget = self._writer.budget
        left = max((budget.limit_usd or 0.0) - budget.spent_usd, 0.0)
        told = (
            f"The budget of ${budget.limit_usd:,.2f} is used up: ${budget.spent_usd:,.4f} spent, and the next row may"
            f" cost up to ${most_usd:,.4f} of the ${left:,.4f} left. Raise the budget and resume, or keep "
            "what is there."
        )
        self.ctx.event("data", told, "warning", {"spent_usd": self._writer.budget.spent_usd})
        self.ctx.lease.write(message=told)

    def _say(self) -> None:
        done = sum(self._totals.values())
        text = f"{done:,} of {self._rows:,} rows, {self._examples:,} labeled examples"
        if self._totals["failed"]:
            text += f", {self._totals['failed']:,} failed"
        price = self._writer.price
        if price is not None and not price.is_free:
            text += f", ${self._writer.budget.spent_usd:,.4f}"
        if (wait_s := self._writer.patience.held_s) > 1:
            text += f"; the endpoint asks to wait {wait_s:.0f} s"
        if not self.stopped_by:
            self.ctx.progress(SHARE * min(done / max(self._rows, 1), 1.0), "Writing examples", text)

    def _look_for_hangs(self) -> None:
        oldest = min(list(self._writer.beats.values()), default=time.monotonic())
        if time.monotonic() - oldest > self._hang_s:
            raise StudioError("A call to the endpoint hangs.", "Retry: rows with an end are kept.")


def open_writer(recipe: SmartRecipe, kind: type[W]) -> W:
    """A writer for the recipe's connection, with no more calls at once than the connection allows."""
    record = connections.get(recipe.connection_id)
    client = connections.open_client(recipe.connection_id, timeout_s=recipe.timeout_s)
    allowed = int(record.settings.get("concurrency") or recipe.concurrency)
    recipe = recipe.model_copy(update={"concurrency": min(recipe.concurrency, allowed)})
    return kind(client, recipe, record.price(recipe.model), bounded=record.client_kind.bounds_text)


def budget_of(ctx: TaskContext) -> float | None:
    """The budget as it is now; a person may change it while the task waits or runs."""
    value = ctx.payload.get("budget_usd")
    return float(value) if value is not None else None
