"""The inference process as an evaluation uses it: many questions in one request, their answers as they are completed.

It outlives the process that evaluates, and knows each question by its key: what was asked before a kill is not asked
again. Where no studio runs, one is started for as long as the evaluation takes.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any, Final
from urllib.parse import quote

from core.errors import NotFound, ProviderError, ProviderUnavailable, StudioError
from core.platform.processes import note_of
from core.platform.supervisor import ensure
from core.settings import get_settings

HOST: Final = "127.0.0.1"
RESTART_S: Final = 60.0  # for a process that ended: `sft up` starts it again with growing pauses
_CONNECT_S: Final = 10.0
_REMEDY: Final = "Start it with `sft up`, or `python -m worker.inference`; then retry."


class InferenceProcess:
    """The studio's own process where it runs; otherwise one that ends with this."""

    def __init__(self) -> None:
        self._own = ExitStack()
        if not responds() and note_of("inference") is None:
            self._own.enter_context(ensure({"inference"}))

    def waiting(self) -> Iterator[None]:
        """Yields twice a second until the process responds. Raises ProviderUnavailable."""
        until = time.monotonic() + RESTART_S
        while not responds():
            if time.monotonic() > until:
                text = f"The inference process is not responding at {get_settings().inference_url}."
                raise ProviderUnavailable(text, _REMEDY)
            yield
            time.sleep(0.5)

    def end(self, prefix: str) -> None:
        """Keys that start like this are not needed any more: their answers end, their models leave memory."""
        with suppress(OSError, HTTPException):
            connection = _connection()
            try:
                connection.request("DELETE", f"/bulk?prefix={quote(prefix)}")
                connection.getresponse().read()
            finally:
                connection.close()

    def close(self) -> None:
        """End the process if it was started here."""
        self._own.close()


class BulkCall:
    """One request, read by a thread: `take` receives each line, or the error that ended it.

    Args:
        questions, outputs: as `worker.inference.bulk` takes them.
    """

    def __init__(
        self,
        model: str,
        take: Callable[[Mapping[str, Any] | Exception], None],
        *,
        questions: Sequence[Mapping[str, Any]] = (),
        outputs: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self._body = json.dumps({"model": model, "questions": questions, "outputs": outputs})
        self._take, self._closed = take, False
        self._connection = _connection()
        threading.Thread(target=self._read, name="bulk", daemon=True).start()

    def close(self) -> None:
        """Ask no further; what is under way goes on there."""
        self._closed = True
        with suppress(OSError, AttributeError):
            self._connection.sock.shutdown(socket.SHUT_RDWR)

    def _read(self) -> None:
        try:
            self._connection.request("POST", "/bulk", self._body, {"Content-Type": "application/json"})
            if self._connection.sock is not None:
                self._connection.sock.settimeout(
                    None
                )  # the first answer waits for the weights, however long that takes
            for line in _lines(self._connection.getresponse()):
                self._take(json.loads(line))
        except (OSError, HTTPException, ValueError):
            self._end(Lost())
        except StudioError as error:
            self._end(error)
        finally:
            self._connection.close()

    def _end(self, error: StudioError) -> None:
        if not self._closed:
            self._take(error)


class Lost(ProviderError):
    """The process ended in the middle."""

    def __init__(self) -> None:
        super().__init__("The answers were interrupted, because the inference process ended.", _REMEDY)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), ()


def responds() -> bool:
    """Whether the process answers its health page."""
    connection = _connection()
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def error_of(said: Mapping[str, Any], status: int = 500) -> StudioError:
    """An error as the process writes it."""
    error = said.get("error") or {}
    message = str(error.get("message") or f"The inference process answered with status {status}.")
    return (NotFound if status == 404 else ProviderError)(message, str(error.get("remedy") or ""))


def _lines(response: HTTPResponse) -> Iterable[bytes]:
    if response.status != 200:
        raise error_of(json.loads(response.read()), response.status)
    return iter(response.readline, b"")


def _connection() -> HTTPConnection:
    return HTTPConnection(HOST, get_settings().inference_port, timeout=_CONNECT_S)
