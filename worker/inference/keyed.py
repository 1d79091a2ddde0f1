"""Requests with a key: sent again with the same one, they join the answer under way, or get the one that exists.

So a client that was killed and started again causes no second generation: its answers go on without it. A finished
answer is kept for some minutes, within bounds of memory; one that failed is not kept, so that it can be tried again.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from core.errors import Conflict
from core.serving.targets.base import AnswerChunk

KEPT_S: Final = 900.0  # after its end: longer than a lease, a restart and the way through the queue together
MOST_ANSWERS: Final = 20_000
MOST_CHARACTERS: Final = 16_000_000  # of all finished answers

Listener = Callable[[Any], None]


class KeyedAnswer:
    """What was emitted for one key, and who listens. `cancelled` ends it, as that of every request."""

    def __init__(self, key: str, fingerprint: str) -> None:
        self.key, self.fingerprint = key, fingerprint
        self.cancelled = threading.Event()
        self.ended_at: float | None = None
        self.characters = 0
        self._ended = lambda answer: None  # type: Callable[[KeyedAnswer], None]
        self._items: list[Any] = []
        self._listeners: list[Listener] = []
        self._started = self._dropped = False
        self._lock = threading.Lock()

    def begin(self) -> bool:
        """Called before the first work on it; False where every client left before that."""
        with self._lock:
            self._started = not self._dropped
            return self._started

    def emit(self, item: Any) -> None:
        """Hand on a chunk, a result or an error, and keep it."""
        with self._lock:
            self._items.append(item)
            self.characters += len(getattr(item, "text", "")) + 200 * len(getattr(item, "logprobs", ()))
            for listener in self._listeners:
                listener(item)
        if ends(item):
            self._ended(self)

    def join(self, listener: Listener) -> bool:
        """Hand over what was emitted so far, and then the rest; False where it was dropped."""
        with self._lock:
            if self._dropped:
                return False
            for item in self._items:
                listener(item)
            self._listeners.append(listener)
            return True

    def leave(self, listener: Listener) -> bool:
        """Hand nothing on any more. True where no client is left and no work was done: it is dropped."""
        with self._lock:
            self._listeners = [one for one in self._listeners if one != listener]
            if self._listeners or self._started:
                return False
            self._dropped = True
        self.cancelled.set()
        return True


class KeyedAnswers:
    """The answers by key; used from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._open: dict[str, KeyedAnswer] = {}
        self._kept: OrderedDict[str, KeyedAnswer] = OrderedDict()  # in the order of their ends
        self._characters = 0
        self._joined = 0

    @property
    def joined(self) -> int:
        """How many requests got an answer that another request had caused."""
        return self._joined

    def ask(
        self, key: str, fingerprint: str, listener: Listener, submit: Callable[[KeyedAnswer], None]
    ) -> tuple[KeyedAnswer, bool]:
        """The answer with this key, and whether it existed already.

        Args:
            fingerprint: of what is requested.
            submit: called where it did not: gives the engine the request.

        Raises:
            Conflict: the key was used for another request.
        """
        with self._lock:
            self._forget_old()
            known = self._open.get(key) or self._kept.get(key)
            if known is not None and known.fingerprint != fingerprint:
                text = "Another request with this Idempotency-Key had another body."
                raise Conflict(text, "Use a new key for another request.", field="Idempotency-Key")
            if known is not None and known.join(listener):
                self._joined += 1
                return known, True
            answer = self._open[key] = KeyedAnswer(key, fingerprint)
            answer._ended = self._end
            answer.join(listener)
        submit(answer)
        return answer, False

    def leave(self, answer: KeyedAnswer, listener: Listener) -> None:
        """A client left. What was started goes on without it."""
        if answer.leave(listener):
            with self._lock:
                if self._open.get(answer.key) is answer:
                    del self._open[answer.key]

    def end(self, prefix: str) -> None:
        """Keys that start like this are not needed any more: cancel what is under way, and forget the others."""
        with self._lock:
            for key in [key for key in self._open if key.startswith(prefix)]:
                self._open.pop(key).cancelled.set()
            for key in [key for key in self._kept if key.startswith(prefix)]:
                self._forget(key)

    def _end(self, answer: KeyedAnswer) -> None:
        with self._lock:
            if self._open.get(answer.key) is not answer:
                return
            del self._open[answer.key]
            if isinstance(answer._items[-1], Exception):
                return
            answer.ended_at = self._clock()
            self._kept[answer.key] = answer
            self._characters += answer.characters
            self._forget_old()

    def _forget_old(self) -> None:
        oldest = self._clock() - KEPT_S
        while self._kept:
            key, answer = next(iter(self._kept.items()))
            fits = len(self._kept) <= MOST_ANSWERS and self._characters <= MOST_CHARACTERS
            if fits and (answer.ended_at or 0.0) > oldest:
                return
            self._forget(key)

    def _forget(self, key: str) -> None:
        self._characters -= self._kept.pop(key).characters


def ends(item: Any) -> bool:
    """Whether an emitted item is the last one: of an answer with its reason, an error, or any other result."""
    return not isinstance(item, AnswerChunk) or item.finish_reason is not None


def fingerprint(model: str, ids: Sequence[int], *more: object, schema: Mapping[str, Any] | None = None) -> str:
    """Of a request: the model, the tokens of its prompt, how it is sampled."""
    text = json.dumps([model, list(ids), schema, [repr(one) for one in more]], sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
