"""Answers by llama.cpp: a child process for each GGUF file of a base, with every adapter beside it that was asked for.

The child (`worker.serving.llama_server`) listens on the loopback address with a key that only this process knows, and
ends when this process does. Prompts are the same token ids as for the studio's own engine.
"""

from __future__ import annotations

import json
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from core.errors import ProviderError
from core.models.thinking import EmptyBlockFilter
from core.serving.targets.base import AnswerChunk, TokenLogprob
from worker.serving.llama_server import LlamaServer, NotLoaded

if TYPE_CHECKING:
    import httpx

    from worker.inference.live_figures import LiveFigures
    from worker.inference.requests import GenerationRequest
    from worker.inference.served_models import GgufFiles

log = logging.getLogger(__name__)

MAX_SERVERS: Final = 2  # bases in memory at once
CONTEXT: Final = 8192  # tokens of all answers of one base at once


class BusyServer(LlamaServer):
    """A running child. `busy` counts its open answers; `replaced`: it stops after the last one."""

    def __init__(self, model: Path, adapters: tuple[Path, ...]) -> None:
        self.adapters, self.busy, self.replaced = adapters, 0, False
        try:
            super().__init__(model, adapters, context=CONTEXT)
        except NotLoaded as error:
            text = f"llama.cpp could not load {model.name}."
            raise ProviderError(text, "Publish the model again, or choose the studio's engine.") from error


class LlamaCppEngine:
    """Takes requests from any thread; each is answered by a thread that reads the child's stream.

    Args:
        release: gives back the place that a request holds.
        figures: notes what is generated.
    """

    def __init__(self, release: Callable[[], None], figures: LiveFigures) -> None:
        self._release, self._figures = release, figures
        self._servers: OrderedDict[Path, BusyServer] = OrderedDict()  # the least recently used first
        self._lock = threading.Lock()

    @property
    def names(self) -> list[str]:
        """The files in memory."""
        return [f"llama.cpp {path.name}" for path, server in list(self._servers.items()) if server.runs]

    def takes(self, request: GenerationRequest) -> bool:
        """Whether llama.cpp answers: where it was chosen, what fits its context, and no tools, whose special tokens its
        text leaves out."""
        question, options = request.question, request.options
        fits = len(question.ids) + options.max_tokens <= CONTEXT // 2
        return question.served.gguf is not None and fits and not options.special

    def submit(self, request: GenerationRequest) -> None:
        """Answer a request, which holds a place until its answer ends."""
        threading.Thread(target=request.context.run, args=(self._run, request), name="llama.cpp", daemon=True).start()

    def _run(self, request: GenerationRequest) -> None:
        import httpx

        assert request.question.served.gguf is not None
        try:
            server = self._server(request.question.served.gguf)
        except Exception as error:  # every failure belongs to its request
            self._release()
            request.emit(error)
            return
        last: AnswerChunk | Exception | None = None  # None: cancelled
        try:
            for chunk in _answer(server, request):
                if chunk.finish_reason is not None:
                    self._figures.answer()
                    last = chunk
                    break
                self._figures.tokens(1)  # each event of the stream has one
                request.emit(chunk)
        except httpx.HTTPError as error:
            log.warning("llama.cpp ended an answer: %s", type(error).__name__)
            last = ProviderError("The llama.cpp process ended before the answer was complete.", "Ask again.")
        except Exception as error:
            last = error
        self._end(server)
        if last is not None:
            request.emit(last)

    def _end(self, server: BusyServer) -> None:
        with self._lock:
            server.busy -= 1
            if server.replaced and not server.busy:
                server.stop()
        self._release()

    def _server(self, files: GgufFiles) -> BusyServer:
        """The child for these files, with one more open answer; started, or started again for a new adapter."""
        with self._lock:
            server = self._servers.pop(files.model, None)
            known = server.adapters if server is not None else ()
            wanted = known if files.adapter is None or files.adapter in known else (*known, files.adapter)
            if server is None or not server.runs or wanted != known:
                if server is not None:
                    self._replace(server)
                wanted = tuple(path for path in wanted if path.is_file())
                server = BusyServer(files.model, wanted)
            self._servers[files.model] = server
            server.busy += 1
            idle = [path for path, other in self._servers.items() if not other.busy]
            for path in idle[: max(0, len(self._servers) - MAX_SERVERS)]:
                self._servers.pop(path).stop()
            return server

    @staticmethod
    def _replace(server: BusyServer) -> None:
        """Stop a child once its open answers have ended."""
        server.replaced = True
        if not server.busy:
            server.stop()


def _answer(server: BusyServer, request: GenerationRequest) -> Iterator[AnswerChunk]:
    """The chunks of an answer; none after a cancel."""
    files, shown = request.question.served.gguf, EmptyBlockFilter()
    assert files is not None
    adapter = [] if files.adapter is None else [{"id": server.adapters.index(files.adapter), "scale": 1.0}]
    body = _sampling(request) | {"prompt": request.question.ids, "lora": adapter, "stream": True}
    with server.client.stream("POST", "/completion", json=body) as response:
        if response.status_code != 200:
            raise _refused(response)
        for line in response.iter_lines():
            if request.cancelled.is_set():
                return
            if not line.startswith("data: "):
                continue
            event = json.loads(line.removeprefix("data: "))
            if "error" in event:
                raise ProviderError(f"llama.cpp: {event['error'].get('message', 'an error')}.", "Ask again.")
            text, logprobs = shown.add(event.get("content", "")), _logprobs(event, request.options.logprobs)
            if event.get("stop"):
                reason = "length" if event.get("stop_type") == "limit" else "stop"
                counts = (int(event.get("tokens_evaluated", 0)), int(event.get("tokens_predicted", 0)))
                yield AnswerChunk(text + shown.rest(), reason, *counts, logprobs)
                return
            if text or logprobs:
                yield AnswerChunk(text, logprobs=logprobs)
    raise ProviderError("The llama.cpp process ended before the answer was complete.", "Ask again.")


def _sampling(request: GenerationRequest) -> dict[str, Any]:
    options = request.options
    greedy = options.temperature == 0
    body: dict[str, Any] = {
        "n_predict": options.max_tokens,
        "stop": list(options.stop),
        "cache_prompt": True,
        "samplers": ["top_k"] if greedy else ["temperature", "top_p"],
        "top_k": 1 if greedy else 0,
        "temperature": options.temperature,
        "top_p": options.top_p,
        "seed": -1 if options.seed is None else options.seed % 2**32,
    }
    if options.logprobs is not None:
        body["n_probs"] = max(1, options.logprobs)
    if request.schema is not None:
        body["json_schema"] = dict(request.schema)
    return body


def _logprobs(event: Mapping[str, Any], count: int | None) -> tuple[TokenLogprob, ...]:
    if count is None:
        return ()
    return tuple(
        TokenLogprob(
            str(one.get("token", "")),
            float(one["logprob"]),
            tuple((str(best.get("token", "")), float(best["logprob"])) for best in one.get("top_logprobs", ())[:count]),
        )
        for one in event.get("completion_probabilities", ())
    )


def _refused(response: httpx.Response) -> ProviderError:
    response.read()
    try:
        reason = str(response.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        reason = f"status {response.status_code}"
    return ProviderError(f"llama.cpp refused the question: {reason[:200]}.", "Choose the studio's engine.")
