"""Deliver messages to one address, in a separate process and within a time limit."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import IO, Final

from core.platform.notices.services import NoticeService

START_S: Final = 20.0  # for apprise to load on a busy machine
ATTEMPT_S: Final = 15.0  # for one message, whatever the receiver does

_PASSED_ON: Final = (
    "PATH", "LANG", "LC_ALL", "TZ", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
)  # fmt: skip
_START: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from core.platform.notices.attempt import main; main()"
)
_WORDS: Final = {
    "address": ("This is not an address of {service}.", "Write it like {example}."),
    "name": ("The name of the server is unknown.", "Check the spelling, and whether this machine can resolve it."),
    "tls": ("A secure connection could not be made.", "Check the port, the encryption and the server's certificate."),
    "key": ("The receiver refused the password or token.", "Enter the address again with the right one."),
    "timeout": ("The receiver did not respond in time.", "Check that it runs and that this machine can reach it."),
    "refused": ("Nothing accepts connections at this address.", "Check the port, and that the receiver runs."),
    "forbidden": ("Link-local and similar addresses are not allowed.", "Enter another address."),
    "unknown": (
        "The receiver did not accept the message.",
        "Check the address, and whether the receiver still exists.",
    ),
}


@dataclass(frozen=True, slots=True)
class NoticeMessage:
    """One message. `type`: info, success, warning or failure, as apprise names them."""

    title: str
    body: str
    type: str = "info"


@dataclass(frozen=True, slots=True)
class DeliveryAttempt:
    """What became of one message. `cause` is a stable word, "" for success; `status` the HTTP status, if any."""

    ok: bool
    cause: str = ""
    status: int = 0

    def words(self, service: NoticeService) -> tuple[str, str]:
        """The sentence and the remedy of a failure; they never contain the address."""
        if self.cause == "status":
            text = f"The receiver answered with HTTP status {self.status}."
            gone = self.status in (404, 410)
            return text, "The address no longer exists there: create it again." if gone else _WORDS["unknown"][1]
        message, remedy = _WORDS.get(self.cause, _WORDS["unknown"])
        return message.format(service=service.title), remedy.format(example=service.example)


def is_valid(service: NoticeService, address: str) -> bool:
    """Whether apprise reads this as an address of the service."""
    return next(_answers(service, address, ())).ok


def deliver(service: NoticeService, address: str, messages: Sequence[NoticeMessage]) -> Iterator[DeliveryAttempt]:
    """Deliver messages one after the other; ends after the first failure.

    Each takes at most ATTEMPT_S, and the next one is sent when the caller asks for it.
    """
    answers = _answers(service, address, messages)
    ready = next(answers)
    if not ready.ok:
        yield ready
        return
    for attempt in answers:
        yield attempt
        if not attempt.ok:
            return


def _answers(service: NoticeService, address: str, messages: Sequence[NoticeMessage]) -> Iterator[DeliveryAttempt]:
    """One for the address, then one for each message."""
    order = {"plugin": service.plugin, "schemas": service.schemas, "address": address}
    paths = json.dumps([path or os.getcwd() for path in sys.path])
    process = subprocess.Popen(
        [sys.executable, "-I", "-c", _START, paths],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        for number, question in enumerate((order, *map(asdict, messages))):
            process.stdin.write(json.dumps(question).encode() + b"\n")
            line = _line(process.stdout, ATTEMPT_S if number else START_S)
            if line is None:
                yield DeliveryAttempt(False, "timeout")
                return
            yield DeliveryAttempt(**json.loads(line)) if line else DeliveryAttempt(False, "unknown")
            if not line:
                return
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def _line(stream: IO[bytes], limit_s: float) -> bytes | None:
    """The next line; b"" where the process ended, None where it took too long."""
    until, line = time.monotonic() + limit_s, b""
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([stream], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            return None
        piece = os.read(stream.fileno(), 65_536)
        if not piece:
            return b""
        line += piece
    return line
