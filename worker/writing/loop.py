"""The loop of a smart task: a few rows are sent to the model at a time, and each answer is committed when it arrives.

Threads send the rows; the handler's own thread does everything else: it hands out rows, commits results through the
fenced unit of work, renews the lease, and reads commands. A run that was killed continues with the rows that are not
done yet: a row that was paid for and committed is never sent again.
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
BUDGET_EVERY_S: Final = 1.0  # how often the budget is read again
LAST_CALLS_S: Final = 5.0  # how long a cancel or a shutdown waits for pending answers
GIVE_UP_AFTER: Final = 5  # consecutive rows without an answer: the endpoint is down, and the rest would fail too
_LOCAL_BATCH: Final = 200
ASKING_PERCENT: Final = 95.0  # of the progress; the rest is writing the dataset


class RowLoop:
    """Sends every item to the model through a writer.

    Args:
        total: number of items, including those that are done.
        items: in order; those that are done are skipped.
        local: returns the result of an item that needs no call, or None.
        known: keys of existing examples; new ones must differ from them.

    Attributes:
        stopped_by: "" when every item is done; else cancel, pause, stop, shutdown, budget or error.
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
        ctx.continues_at(0)  # from here on the finished rows themselves count
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
        self._halt = threading.Event()  # ends the pauses between attempts, not the calls
        writer.patience = Patience(wait=self._halt.wait)
        self._until = float("inf")  # when pending answers are no longer waited for
        self._hang_s = writer.recipe.timeout_s + MOST_WAIT_S + 60
        self._inbox: queue.SimpleQueue[tuple[Item, float] | None] = queue.SimpleQueue()
        self._outbox: queue.SimpleQueue[RowResult] = queue.SimpleQueue()
        self._budget_read_at = time.monotonic()
        self._error: LlmError | None = None
        self._streak: list[RowResult] = []  # consecutive rows that the endpoint did not answer

    def run(self) -> str:
        """Run until every row is done, or a person stops the run and keeps its examples.

        Returns:
            The reason for the task's row: stopped_early, or "" where every row is done.

        Raises:
            Interrupted: it was cancelled or paused, the worker shuts down, or the budget is used up.
            LlmError: the endpoint cannot be used (refused key, missing model, no answer).
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
        return "stopped_early" if self.stopped_by == "stop" else ""

    # ---- the threads that call the model

    def _work(self) -> None:
        while (job := self._inbox.get()) is not None:
            item, prepaid = job
            try:
                result = self._writer.write(item, prepaid)
            except Exception as error:  # a thread that dies silently would be waited for without end
                log.exception("Row %s failed", item.position)
                name = type(error).__name__
                result = RowResult(item.line, "failed", f"Something unexpected went wrong ({name}).", cause="error")
                result = replace(result, position=item.position)
            self._outbox.put(result)

    # ---- the thread that does everything else

    def _loop(self) -> None:
        unfinished = self._unfinished()
        open_calls, waiting, more = 0, None, True
        while True:
            while more and not self.stopped_by and open_calls < self._writer.recipe.concurrency:
                waiting = waiting or next(unfinished, None)
                if waiting is None:
                    more = False
                    break
                most = self._writer.most_usd(self._writer.prompt(waiting)[0])
                if not self._writer.budget.set_aside(most):
                    if open_calls == 0 and not self._budget_changed():
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
                self._check_for_hangs()
            else:
                open_calls -= 1
                self._take(result)
            self._report()
            self._reread_budget()
            self._obey(self.ctx.signal())
            if time.monotonic() > self._until:
                return

    def _obey(self, signal: str) -> None:
        """Begin to stop for a command: no further rows, no pauses between attempts, a limit for pending answers."""
        if not signal or self.stopped_by in (signal, "error"):
            return
        self.stopped_by = signal
        self._halt.set()
        if signal in ("cancel", "shutdown"):
            self._until = time.monotonic() + LAST_CALLS_S

    def _unfinished(self) -> Iterator[Item]:
        """The rows that need a call; the results of the others are recorded on the way."""
        local: list[RowResult] = []
        for item in self._items:
            ended = self._local(item)  # called for every item: it compares each with the earlier ones
            if item.position in self._done:
                continue
            if ended:
                local.append(ended)
                if len(local) >= _LOCAL_BATCH:
                    self._note(local)
                    local = []
                    self._report()
                    self._obey(self.ctx.signal())
                    if self.stopped_by:
                        return
                continue
            if local:
                self._note(local)
                local = []
            yield item
        if local:
            self._note(local)

    def _take(self, result: RowResult) -> None:
        """Commit the result of a row; a row that was stopped while waiting is not done."""
        if result.cause == "stopped" and result.prompt_tokens == 0:
            return
        if result.cause in FATAL:
            remedy = "Correct the connection, then retry. Finished rows are kept."
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
        return replace(result, state="duplicate", examples=(), reason="The model repeated an existing example.")

    def _note(self, results: list[RowResult]) -> None:
        smart_store.add(self.ctx, results)
        for result in results:
            self._done.add(result.position)
            self._totals[result.state] += 1
            self._examples += len(result.examples)

    def _watch_the_endpoint(self, result: RowResult) -> None:
        """Stop when the endpoint no longer answers: the run can be resumed, instead of failing thousands of rows."""
        if result.state != "failed" or result.cause not in (*RETRYABLE, "refused"):
            self._streak = []
            return
        self._streak.append(result)
        alone = self._totals["ok"] == 0
        if len(self._streak) < GIVE_UP_AFTER or (result.cause == "refused" and not alone):
            return
        smart_store.forget(self.ctx, [row.position for row in self._streak])
        text = f"{len(self._streak)} consecutive rows got no answer. The last reason: {result.reason}"
        remedy = "Retry when the endpoint answers again. Finished rows are kept, the others are sent."
        self._give_up(LlmError(text, remedy, cause=result.cause))

    def _give_up(self, error: LlmError) -> None:
        """Send no further rows; wait for pending answers, because they are paid for."""
        self._error = self._error or error
        self.stopped_by = "error"
        self._halt.set()

    def _reread_budget(self) -> None:
        """A person may change it while the run continues."""
        if time.monotonic() - self._budget_read_at >= BUDGET_EVERY_S:
            self._budget_changed()

    def _budget_changed(self) -> bool:
        """Read the budget again; whether it changed."""
        self._budget_read_at = time.monotonic()
        limit = budget_of(self.ctx)
        changed = limit != self._writer.budget.limit_usd
        self._writer.budget.limit_usd = limit
        return changed

    def _out_of_budget(self, most_usd: float) -> None:
        self.stopped_by = "budget"
        budget = self._writer.budget
        left = max((budget.limit_usd or 0.0) - budget.spent_usd, 0.0)
        text = (
            f"The budget of ${budget.limit_usd:,.2f} is used up: ${budget.spent_usd:,.4f} spent, and the next row may"
            f" cost up to ${most_usd:,.4f} of the ${left:,.4f} left. Raise the budget and resume, or keep the examples "
            "written so far."
        )
        self.ctx.event("data", text, "warning", {"spent_usd": self._writer.budget.spent_usd})
        self.ctx.lease.write(message=text)

    def _report(self) -> None:
        done = sum(self._totals.values())
        text = f"{done:,} of {self._rows:,} rows, {self._examples:,} labeled examples"
        if self._totals["failed"]:
            text += f", {self._totals['failed']:,} failed"
        price = self._writer.price
        if price is not None and not price.is_free:
            text += f", ${self._writer.budget.spent_usd:,.4f}"
        if (wait_s := self._writer.patience.held_s) > 1:
            text += f"; waiting {wait_s:.0f} s, as the endpoint asked"
        if not self.stopped_by:
            self.ctx.progress(ASKING_PERCENT * min(done / max(self._rows, 1), 1.0), "Writing examples", text)

    def _check_for_hangs(self) -> None:
        oldest = min(list(self._writer.beats.values()), default=time.monotonic())
        if time.monotonic() - oldest > self._hang_s:
            raise StudioError("A call to the endpoint hangs.", "Retry; finished rows are kept.")


def open_writer(recipe: SmartRecipe, kind: type[W]) -> W:
    """A writer for the recipe's connection, with no more calls at once than the connection allows."""
    record = connections.get(recipe.connection_id)
    client = connections.open_client(recipe.connection_id, timeout_s=recipe.timeout_s)
    allowed = int(record.settings.get("concurrency") or recipe.concurrency)
    recipe = recipe.model_copy(update={"concurrency": min(recipe.concurrency, allowed)})
    return kind(client, recipe, record.price(recipe.model), bounded=record.client_kind.bounds_text)


def budget_of(ctx: TaskContext) -> float | None:
    """The present budget; a person may change it while the task waits or runs."""
    value = ctx.payload.get("budget_usd")
    return float(value) if value is not None else None
