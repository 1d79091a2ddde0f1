"""The inference engine: one thread that owns all weights and advances every open answer by one token at a time.

One thread instead of a lock around the model: switching adapters changes the shared model, so steps of different
batches must not overlap. Answers of one base are rows of one batch (`batches`); those that cannot be mixed take turns.
Between two steps a piece of a new prompt is read, so that a long one does not stop the others. torch is imported in
that thread at the first request, so that the server answers its health page at once.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from core.serving.targets.base import AnswerChunk
from worker.inference import live_figures
from worker.inference.keyed import KeyedAnswers
from worker.inference.live_figures import LiveFigures
from worker.inference.llama_cpp import LlamaCppEngine
from worker.inference.requests import (
    BULK_ROWS,
    BULK_START,
    MAX_OPEN,
    MAX_ROWS,
    READ_AT_ONCE,
    Busy,
    GenerationRequest,
    LikelihoodRequest,
    NoRoom,
)

if TYPE_CHECKING:
    from worker.inference.batches import Batch
    from worker.inference.decoding import Generation
    from worker.inference.weights import Loader

log = logging.getLogger(__name__)


class InferenceEngine:
    """Takes requests from any thread; answers through each request's `emit`."""

    def __init__(self) -> None:
        self._inbox: queue.SimpleQueue[GenerationRequest | Callable[[], object]] = queue.SimpleQueue()
        self._waiting: deque[GenerationRequest] = deque()  # for a place, or for memory; in the order of their arrival
        self._bulk: deque[GenerationRequest] = deque()  # the same, of bulk requests
        self._unmeasured: deque[LikelihoodRequest] = deque()
        self._unread: deque[Generation] = deque()  # whose prompt is not read to its end, in the same order
        self._batches: list[Batch] = []
        self._loader: Loader | None = None
        self._count = self._bulk_count = 0
        self._counting = threading.Lock()
        self._figures = LiveFigures()
        self.keyed = KeyedAnswers()
        self._llama = LlamaCppEngine(self.release, self._figures)
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    @property
    def loaded(self) -> list[str]:
        """What is in memory."""
        return [*(self._loader.names if self._loader else []), *self._llama.names]

    @property
    def open(self) -> int:
        """The answers that are being generated or wait."""
        return self._count + self._bulk_count

    def figures(self) -> dict[str, Any]:
        """What is in memory, what is open, what was done, and how many requests joined an answer by their key."""
        waiting = len(self._waiting) + len(self._bulk) + self._inbox.qsize()
        memory = live_figures.memory_bytes()
        now = {"loaded": self.loaded, "open": self.open, "waiting": waiting, "memory_bytes": memory}
        return now | self._figures.snapshot() | {"joined": self.keyed.joined}

    def reserve(self, places: int = 1) -> None:
        """Take places for open answers, before anything is spent on a question. Raises Busy."""
        with self._counting:
            if self._count + places > MAX_OPEN:
                text = f"{self._count} answers are being generated or wait; the limit is {MAX_OPEN}."
                raise Busy(text, "Try again in a moment.")
            self._count += places

    def release(self, places: int = 1) -> None:
        """Give back places whose question was not submitted."""
        with self._counting:
            self._count -= places

    def submit(self, request: GenerationRequest) -> None:
        """Queue a request, which holds a place until its answer ends; a bulk request needs none."""
        if self._llama.takes(request):
            self._llama.submit(request)
            return
        if request.bulk:
            with self._counting:
                self._bulk_count += 1
        self._inbox.put(request)

    def measure(self, requests: Sequence[LikelihoodRequest]) -> None:
        """Queue outputs to measure, several at a time between two steps."""
        self._inbox.put(lambda: self._unmeasured.extend(requests))

    def warm_up(self) -> None:
        """Import what answering needs, if that has not happened yet."""
        if self._loader is None:
            self._inbox.put(self._ready)

    def forget_bulk(self) -> None:
        """Free the memory of models that only bulk requests asked, once none of them is open."""
        self._inbox.put(self._forget_bulk)

    def _forget_bulk(self) -> None:
        if self._loader is not None and not (self._bulk or self._unmeasured):
            self._loader.forget_bulk(self._busy)

    def _run(self) -> None:
        while True:
            self._admit()
            self._read()
            for batch in list(self._batches):
                self._advance(batch)
            self._measure()

    def _advancing(self, *, bulk: bool) -> int:
        unread = sum(answer.request.bulk == bulk for answer in self._unread)
        return unread + sum(row.request.bulk == bulk for batch in self._batches for row in batch.rows)

    @property
    def _is_idle(self) -> bool:
        return not (self._waiting or self._bulk or self._unmeasured or self._unread or self._batches)

    def _admit(self) -> None:
        """Take what came in; with nothing to do, sleep until something comes."""
        while self._is_idle or not self._inbox.empty():
            item = self._inbox.get()
            if isinstance(item, GenerationRequest):
                (self._bulk if item.bulk else self._waiting).append(item)
            else:
                item()
        for request in [request for request in self._waiting if request.cancelled.is_set()]:
            self._waiting.remove(request)
            self._leave(request)
        while self._waiting and self._advancing(bulk=False) < MAX_ROWS:
            if not self._started(self._waiting[0]):
                return  # it waits for memory, which further bulk requests would take
            self._waiting.popleft()
        places = BULK_ROWS - self._advancing(bulk=True)
        if places >= min(BULK_START, len(self._bulk)):
            while self._bulk and places > 0 and self._started(self._bulk[0]):
                self._bulk.popleft()
                places -= 1

    def _started(self, request: GenerationRequest) -> bool:
        """Begin an answer, or end it with its error; False: it waits until others leave memory."""
        if request.cancelled.is_set() or not request.starts():
            self._leave(request)
            return True
        try:
            self._unread.append(request.context.run(self._begin, request))
            self._figures.generation()
        except Exception as error:  # every failure belongs to its request, not to this thread
            if isinstance(error, NoRoom) and self._busy:
                return False
            self._leave(request)
            request.emit(error)
        return True

    @property
    def _busy(self) -> set[int]:
        return {id(answer.loaded) for answer in self._unread} | {id(batch.loaded) for batch in self._batches}

    def _begin(self, request: GenerationRequest) -> Generation:
        from worker.inference.decoding import Generation

        loaded, adapter = self._ready().get(request.question.served, busy=self._busy, bulk=request.bulk)
        return Generation(request, loaded, adapter)

    def _leave(self, request: GenerationRequest) -> None:
        """A request has ended."""
        with self._counting:
            if request.bulk:
                self._bulk_count -= 1
            else:
                self._count -= 1

    def _ready(self) -> Loader:
        """The loader, with torch behind it."""
        import worker.training  # noqa: F401  it sets the number of threads before torch is imported
        from worker.inference import batches, served_models  # noqa: F401  imported here to be there when asked
        from worker.inference.weights import Loader

        self._loader = self._loader or Loader()
        return self._loader

    def _read(self) -> None:
        """Read prompts, the oldest first: a piece of a long one, or several short ones."""
        from worker.inference.decoding import read_together

        left = READ_AT_ONCE
        while self._unread and left > 0:
            generation = self._unread[0]
            if generation.request.cancelled.is_set():
                self._unread.popleft()
                self._leave(generation.request)
                continue
            together = self._alike(generation, left)
            left -= len(together) * min(generation.unread, READ_AT_ONCE)
            try:
                if len(together) > 1:
                    chunks: Sequence[AnswerChunk | Exception | None] = read_together(together)
                else:
                    chunks = [generation.request.context.run(generation.read, READ_AT_ONCE)]
            except Exception as error:
                if len(together) > 1:  # whichever it is, each is read alone
                    log.warning("Reading %d prompts together failed; each is read alone", len(together), exc_info=error)
                    generation.loaded.reads_together = False
                    continue
                self._unread.popleft()
                self._fail(generation, error)
                continue
            if generation.unread:
                return
            self._figures.tokens(len(together))
            self._unread = deque(one for one in self._unread if one not in together)
            self._place(together, chunks)

    def _alike(self, first: Generation, most: int) -> list[Generation]:
        """The prompts that are read with the first one: of the same length, so that none of them needs padding."""
        if not first.joins:
            return [first]
        found = (one for one in self._unread if one is first or (one.joins and one.is_like(first)))
        return list(islice(found, max(1, most // first.unread)))

    def _place(self, read: Sequence[Generation], chunks: Sequence[AnswerChunk | Exception | None]) -> None:
        """Make those that did not end with their first token rows of a batch."""
        from worker.inference.batches import Batch

        new = Batch(read)
        ended = [one for one, chunk in zip(read, chunks, strict=True) if self._deliver(one, chunk)]
        new.keep([one for one in read if one not in ended])
        if not new.rows:
            return
        batch = next((batch for batch in self._batches if batch.admits(new)), None)
        if batch is None:
            self._batches.append(new)
        else:
            batch.merge(new)

    def _advance(self, batch: Batch) -> None:
        left = [row for row in batch.rows if row.request.cancelled.is_set()]
        self._drop(batch, left)
        if not batch.rows:
            return
        try:
            stepped = batch.step()
        except Exception as error:
            if len(batch.rows) > 1:  # whichever row it is, the others go on
                log.warning("A step of %d answers failed; each goes on alone", len(batch.rows), exc_info=error)
                self._batches.remove(batch)
                self._batches += batch.split()
            else:
                (row,) = batch.rows
                self._batches.remove(batch)
                self._fail(row, error)
            return
        self._figures.tokens(len(stepped))
        self._drop(batch, [row for row, chunk in stepped if self._deliver(row, chunk)], released=True)

    def _drop(self, batch: Batch, rows: Sequence[Generation], *, released: bool = False) -> None:
        """Take rows out of a batch, and the batch out with its last one."""
        if not rows:
            return
        gone = {id(row) for row in rows}
        batch.keep([row for row in batch.rows if id(row) not in gone])
        if not batch.rows:
            self._batches.remove(batch)
        for row in () if released else rows:
            self._leave(row.request)

    def _deliver(self, generation: Generation, chunk: AnswerChunk | Exception | None) -> bool:
        """Hand on a chunk or an error; whether that was the end of the answer."""
        ended = isinstance(chunk, Exception) or (chunk is not None and chunk.finish_reason is not None)
        if ended:
            self._leave(generation.request)
        if isinstance(chunk, AnswerChunk) and ended:
            self._figures.answer()
        if chunk is not None:
            generation.request.emit(chunk)
        return ended

    def _fail(self, generation: Generation, error: Exception) -> None:
        self._leave(generation.request)
        generation.request.emit(error)

    def _measure(self) -> None:
        """Measure the first outputs that wait."""
        from worker.inference import likelihood

        wanted = [one for one in likelihood.first_of(self._unmeasured) if not one.cancelled.is_set() and one.starts()]
        if not wanted:
            return
        try:
            loaded, adapter = self._ready().get(wanted[0].served, busy=self._busy, bulk=True)
            found = likelihood.measure(loaded, adapter, wanted)
        except Exception as error:  # belongs to these requests
            if isinstance(error, NoRoom) and self._busy:
                self._unmeasured.extendleft(reversed(wanted))
                return
            for one in wanted:
                one.emit(error)
            return
        self._figures.measured(len(found))
        for one, result in zip(wanted, found, strict=True):
            one.emit(result)
