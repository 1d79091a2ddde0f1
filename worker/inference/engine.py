"""The inference engine: one thread that owns all weights and decodes one token of every open answer in turn.

One thread instead of a lock around the model: switching adapters changes the shared model, so steps of different
answers must not overlap; taking turns keeps two streams (base and tuned, side by side) equally fast. torch is imported
in that thread at the first request, so that the server answers its health page at once.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Mapping
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from core.errors import StudioError
from core.serving.targets.base import AnswerChunk, ChatOptions

if TYPE_CHECKING:
    from worker.inference.decoding import Generation
    from worker.inference.prompts import Question
    from worker.inference.weights import Loader

log = logging.getLogger(__name__)

MAX_OPEN = 32  # answers at once; more are refused, instead of making all slow


class Busy(StudioError):
    """Too many answers are running."""


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
        self._open: list[Generation] = []
        self._loader: Loader | None = None
        self._count = 0
        self._counting = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    @property
    def loaded(self) -> list[str]:
        """What is in memory."""
        return self._loader.names if self._loader else []

    def reserve(self) -> None:
        """Take one of the places for open answers, before anything is spent on a question. Raises Busy."""
        with self._counting:
            if self._count >= MAX_OPEN:
                raise Busy(f"{self._count} answers are already being generated.", "Try again in a moment.")
            self._count += 1

    def release(self) -> None:
        """Give back a place whose question was not submitted."""
        with self._counting:
            self._count -= 1

    def submit(self, request: GenerationRequest) -> None:
        """Queue a request, which holds a place until its answer ends."""
        self._inbox.put(request)

    def warm_up(self) -> None:
        """Import what answering needs, if that has not happened yet."""
        if self._loader is None:
            self._inbox.put(None)

    def _run(self) -> None:
        while True:
            self._admit()
            for generation in list(self._open):
                self._advance(generation)

    def _admit(self) -> None:
        """Take what came in; with nothing to do, sleep until something comes."""
        while not self._open or not self._inbox.empty():
            request = self._inbox.get()
            if request is None:
                self._ready()
                continue
            if request.cancelled.is_set():
                self.release()
                continue
            try:
                self._open.append(request.context.run(self._begin, request))
            except Exception as error:  # every failure belongs to its request, not to this thread
                self.release()
                request.emit(error)

    def _begin(self, request: GenerationRequest) -> Generation:
        from worker.inference.decoding import Generation

        busy = {id(generation.loaded) for generation in self._open}
        loaded, adapter = self._ready().get(request.question.served, busy=busy)
        return Generation(request, loaded, adapter)

    def _ready(self) -> Loader:
        """The loader, with torch behind it."""
        import worker.training  # noqa: F401  it sets the number of threads before torch is imported
        from worker.inference import decoding, served_models  # noqa: F401  imported here to be there when asked
        from worker.inference.weights import Loader

        self._loader = self._loader or Loader()
        return self._loader

    def _advance(self, generation: Generation) -> None:
        if generation.request.cancelled.is_set():
            return self._close(generation)
        try:
            chunk = generation.request.context.run(generation.step)
        except Exception as error:
            self._close(generation)
            return generation.request.emit(error)
        if chunk is None:
            return None
        if chunk.finish_reason:
            self._close(generation)
        return generation.request.emit(chunk)

    def _close(self, generation: Generation) -> None:
        self._open.remove(generation)
        self.release()
