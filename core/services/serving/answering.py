"""One answer that a thread reads while others look at it: screens draw it, conversations save it.

Where a model fails before its first token, the answer is that of its fallback, if there is one.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from contextvars import copy_context
from typing import Any, Self

from core.errors import StudioError
from core.messages import Message
from core.services.serving import chat
from core.services.serving.chat import ChatOptions

log = logging.getLogger("sft.conversations")


class StreamedAnswer:
    """An answer being received.

    Attributes:
        model_id: that answers; the fallback's once the first one has failed.
        state: running, complete, stopped or failed; `error` is the reason of the last one.
        tokens: the server's count. first_s, seconds: from the request to the first token and to the end.
        done: set as soon as the state is final.
    """

    def __init__(
        self,
        model_id: str,
        messages: Sequence[Message | Mapping[str, Any]],
        options: ChatOptions | None = None,
        fallback_id: str = "",
    ) -> None:
        self.model_id = model_id
        self._fallback_id = fallback_id
        self.text = ""
        self.state = "running"
        self.finish_reason = ""
        self.prompt_tokens = self.tokens = 0
        self.first_s: float | None = None
        self.seconds = 0.0
        self.error: Exception | None = None
        self.done = threading.Event()
        self._messages, self._options = list(messages), options
        self._changing = threading.Lock()
        self._began = time.perf_counter()

    def start(self) -> Self:
        """Begin to read it; returns at once."""
        self._began = time.perf_counter()
        run = copy_context().run  # it is paid under the name, and with the reason, of who asks
        threading.Thread(target=run, args=(self._read,), name=f"answer of {self.model_id}", daemon=True).start()
        return self

    def stop(self) -> None:
        """Keep what arrived, and end the generation as soon as its next piece arrives."""
        self._end("stopped")

    @property
    def waited_s(self) -> float:
        """How long it has run."""
        return self.seconds if self.done.is_set() else time.perf_counter() - self._began

    def _read(self) -> None:
        chunks = chat.chunks(self.model_id, self._messages, self._options)
        try:
            for chunk in chunks:
                with self._changing:
                    if self.state != "running":
                        return
                    if chunk.text and self.first_s is None:
                        self.first_s = time.perf_counter() - self._began
                    self.text += chunk.text
                    self.tokens = chunk.completion_tokens or self.tokens
                    self.prompt_tokens = chunk.prompt_tokens or self.prompt_tokens
                    self.finish_reason = chunk.finish_reason or self.finish_reason
            self._end("complete")
        except Exception as error:  # shown beside the answer
            if not self._takes_fallback(error):
                self._end("failed", error)
        finally:
            chunks.close()  # the server stops as well

    def _takes_fallback(self, error: Exception) -> bool:
        with self._changing:
            if not self._fallback_id or self.text or self.state != "running" or not isinstance(error, StudioError):
                return False
            log.warning("%s cannot answer; %s answers instead: %s", self.model_id, self._fallback_id, error)
            self.model_id, self._fallback_id = self._fallback_id, ""
        self._read()
        return True

    def _end(self, state: str, error: Exception | None = None) -> None:
        with self._changing:
            if self.state != "running":
                return
            self.state, self.error = state, error
            self.seconds = time.perf_counter() - self._began
        self.done.set()
