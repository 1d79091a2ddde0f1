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
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from core.errors import StudioError
from core.serving.targets.base import AnswerChunk, ChatOptions
from worker.inference import live_figures
from worker.inference.live_figures import LiveFigures
from worker.inference.llama_cpp import LlamaCppEngine

if TYPE_CHECKING:
    from worker.inference.batches import Batch
    from worker.inference.decoding import Generation
    from worker.inference.prompts import Question
    from worker.inference.weights import Loader

log = logging.getLogger(__name__)

READ_AT_ONCE = 512  # tokens of prompts between two steps
MAX_ROWS = 32  # answers that advance; further ones wait for a place, instead of making all slow
MAX_OPEN = 96  # with those that wait; more are refused


class Busy(StudioError):
    """Too many answers are running."""


class NoRoom(StudioError):
    """The memory for a model is missing."""


@dataclass(frozen=True)
class GenerationRequest:
    """A queued request: `emit` receives chunks, or the error that ended it; `cancelled` ends it from outside."""

    question: Question
    options: ChatOptions
    emit: Callable[[AnswerChunk | Exception], None]
    cancelled: threading.Event
    schema: Mapping[str, Any] | None = None  # a JSON schema that the answer follows
    context: Context = field(default_factory=copy_context)  # of the request, so that its log lines carry its id


class InferenceEngine:
    """Takes requests from any thread; answers through each request's `emit`."""

    def __init__(self) -> None:
        self._inbox: queue.SimpleQueue[GenerationRequest | None] = queue.SimpleQueue()
        self._waiting: deque[GenerationRequest] = deque()  # for a place, or for memory; in the order of their arrival
        self._unread: deque[Generation] = deque()  # whose prompt is not read to its end, in the same order
        self._batches: list[Batch] = []
        self._loader: Loader | None = None
        self._count = 0
        self._counting = threading.Lock()
        self._figures = LiveFigures()
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
        return self._count

    def figures(self) -> dict[str, Any]:
        """What is in memory, what is open, and what was done in the last seconds."""
        waiting = len(self._waiting) + self._inbox.qsize()
        memory = live_figures.memory_bytes()
        now = {"loaded": self.loaded, "open": self.open, "waiting": waiting, "memory_bytes": memory}
        return now | self._figures.snapshot()

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
        """Queue a request, which holds a place until its answer ends."""
        if self._llama.takes(request):
            self._llama.submit(request)
        else:
            self._inbox.put(request)

    @property
    def loader(self) -> Loader:
        """The weights; for other work than answers, while none is open."""
        return self._ready()

    def warm_up(self) -> None:
        """Import what answering needs, if that has not happened yet."""
        if self._loader is None:
            self._inbox.put(None)

    def _run(self) -> None:
        while True:
            self._admit()
            self._read()
            for batch in list(self._batches):
                self._advance(batch)

    @property
    def _advancing(self) -> int:
        return len(self._unread) + sum(len(batch.rows) for batch in self._batches)

    def _admit(self) -> None:
        """Take what came in; with nothing to do, sleep until something comes."""
        while not (self._waiting or self._unread or self._batches) or not self._inbox.empty():
            request = self._inbox.get()
            if request is None:
                self._ready()
            else:
                self._waiting.append(request)
        for request in [request for request in self._waiting if request.cancelled.is_set()]:
            self._waiting.remove(request)
            self.release()
        while self._waiting and self._advancing < MAX_ROWS and self._started(self._waiting[0]):
            self._waiting.popleft()

    def _started(self, request: GenerationRequest) -> bool:
        """Begin an answer, or end it with its error; False: it waits until others leave memory."""
        try:
            self._unread.append(request.context.run(self._begin, request))
        except Exception as error:  # every failure belongs to its request, not to this thread
            if isinstance(error, NoRoom) and self._advancing:
                return False
            self.release()
            request.emit(error)
        return True

    def _begin(self, request: GenerationRequest) -> Generation:
        from worker.inference.decoding import Generation

        busy = {id(answer.loaded) for answer in self._unread} | {id(batch.loaded) for batch in self._batches}
        loaded, adapter = self._ready().get(request.question.served, busy=busy)
        return Generation(request, loaded, adapter)

    def _ready(self) -> Loader:
        """The loader, with torch behind it."""
        import worker.training  # noqa: F401  it sets the number of threads before torch is imported
        from worker.inference import batches, served_models  # noqa: F401  imported here to be there when asked
        from worker.inference.weights import Loader

        self._loader = self._loader or Loader()
        return self._loader

    def _read(self) -> None:
        """Read prompts, the oldest first: a piece of a long one, or several short ones."""
        left = READ_AT_ONCE
        while self._unread and left > 0:
            generation = self._unread[0]
            left -= min(generation.unread, READ_AT_ONCE)
            if generation.request.cancelled.is_set():
                self._unread.popleft()
                self.release()
                continue
            try:
                chunk = generation.request.context.run(generation.read, READ_AT_ONCE)
            except Exception as error:
                self._unread.popleft()
                self._fail(generation, error)
                continue
            if generation.unread:
                return
            self._figures.tokens(1)
            self._unread.popleft()
            if not self._deliver(generation, chunk):
                self._place(generation)

    def _place(self, generation: Generation) -> None:
        """Make it a row of a batch."""
        from worker.inference.batches import Batch

        batch = next((batch for batch in self._batches if batch.admits(generation)), None)
        if batch is None:
            self._batches.append(Batch(generation))
        else:
            batch.add(generation)

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
        for _ in () if released else rows:
            self.release()

    def _deliver(self, generation: Generation, chunk: AnswerChunk | Exception | None) -> bool:
        """Hand on a chunk or an error; whether that was the end of the answer."""
        ended = isinstance(chunk, Exception) or (chunk is not None and chunk.finish_reason is not None)
        if ended:
            self.release()
        if isinstance(chunk, AnswerChunk) and ended:
            self._figures.answer()
        if chunk is not None:
            generation.request.emit(chunk)
        return ended

    def _fail(self, generation: Generation, error: Exception) -> None:
        self.release()
        generation.request.emit(error)
