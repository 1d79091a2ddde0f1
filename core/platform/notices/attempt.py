"""One process per delivery: it hands messages to apprise and says what became of each.

It runs as `python -m core.platform.notices.attempt`, because apprise and its plugins then load nowhere else, its
requests can be ended at a deadline, and what they may do is limited for the process as a whole: no connection to a
forbidden address, no other program, no file but libraries and certificates.

Input: a line of JSON with {"plugin", "schemas", "address"}, then one per message, {"title", "body", "type"}. Output: a
line for each, {"ok", "cause", "status"}; the first one says whether the address is valid.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import re
import sys
from typing import Any, Final

from core.platform import network
from core.platform.processes import die_with_parent

CONNECT_S: Final = 5.0
READ_S: Final = 8.0

_PROGRAMS: Final = frozenset({
    "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "pty.spawn",
})  # fmt: skip
_SENDS: Final = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_READABLE: Final = ("/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/usr/share", "/usr/lib", "/usr/local/share")
_FILES: Final = ("/etc/resolv.conf", "/etc/hosts", "/etc/mime.types", "/etc/localtime", "/etc/services", "/dev/null")
_SIGNS: Final = (  # in what apprise logs, which may contain the address: it never leaves this process
    ("name", ("name or service not known", "failed to resolve", "nodename nor", "name resolution", "no address")),
    ("tls", ("certificate", "ssl", "starttls")),
    ("key", ("authentication", "smtpauth", "(535", "(534")),
    ("timeout", ("timed out", "timeout")),
    ("refused", ("connection refused", "unreachable", "no route to host", "connection aborted", "connection reset")),
)  # fmt: skip


class _Guard:
    """Watches what the process does (`sys.addaudithook`) and refuses what delivery does not need."""

    def __init__(self) -> None:
        self.refused = False
        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
        named = (os.environ.get(name, "") for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"))
        places = (sys.prefix, sys.base_prefix, root, *_READABLE, *filter(None, named))
        self._places = tuple({os.path.realpath(place) for place in places})

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in _PROGRAMS:
            raise PermissionError("a notice starts no program")
        if event in _SENDS:
            self._connects(arguments[1])
        elif event == "open" and isinstance(arguments[0], str | bytes):
            self._opens(os.fsdecode(arguments[0]), arguments[1], arguments[2])

    def _connects(self, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) and address else ""
        if network.literal(str(host)) is None or network.is_forbidden(str(host)):
            self.refused = True
            raise PermissionError("this address must not be connected to")

    def _opens(self, path: str, mode: Any, flags: Any) -> None:
        writes = bool(isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) or (
            isinstance(mode, str) and any(letter in mode for letter in "wax+")
        )
        real = os.path.realpath(path)
        known = real in _FILES or any(real == place or real.startswith(f"{place}{os.sep}") for place in self._places)
        if (writes and real != "/dev/null") or not known:
            raise PermissionError("a notice reads no file")


class _Lines(logging.Handler):
    """The lines of one attempt."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += f"{record.getMessage()}\n"


def main() -> None:
    """Read the order, deliver, and answer step by step."""
    die_with_parent(os.getppid())
    order = json.loads(sys.stdin.readline())
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.dont_write_bytecode = True

    def say(ok: bool, cause: str = "", status: int = 0) -> None:
        answers.write(json.dumps({"ok": ok, "cause": cause, "status": status}) + "\n")
        answers.flush()

    lines = _Lines()
    logger = logging.getLogger("apprise")
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    logger.addHandler(lines)
    target = _target(order)
    if target is None:
        say(False, "address")
        return
    say(True)
    guard = _Guard()
    sys.addaudithook(guard)
    for line in sys.stdin:
        message = json.loads(line)
        lines.text, guard.refused = "", False
        try:
            ok = bool(target.notify(body=message["body"], title=message["title"], notify_type=message["type"]))
        except Exception as error:
            ok, lines.text = False, f"{lines.text}{type(error).__name__}: {error}"
        if not ok:  # the next one would meet the same
            say(False, *_cause(lines.text, guard.refused))
            return
        say(True)


def _target(order: dict[str, Any]) -> Any:
    """apprise's object for an address; None where it is not one of the service's."""
    from apprise import Apprise, AppriseAsset, NotifyFormat, PersistentStoreMode

    asset = AppriseAsset(
        app_id="SFT Studio",
        app_desc="SFT Studio",
        app_url="",
        image_url_mask="",
        image_url_logo="",
        storage_mode=PersistentStoreMode.MEMORY,
        secure_logging=True,
        async_mode=False,
        body_format=NotifyFormat.TEXT,
    )
    module, _, name = order["plugin"].partition(":")
    plugin = getattr(importlib.import_module(f"apprise.plugins.{module}"), name)
    address = order["address"]
    parsed = plugin.parse_native_url(address) if address.startswith("https://") else plugin.parse_url(address)
    if not parsed or parsed.get("schema") not in order["schemas"]:
        return None
    try:
        found = plugin(**parsed, asset=asset)
    except TypeError:  # apprise's: the address lacks a part
        return None
    found.socket_connect_timeout, found.socket_read_timeout = CONNECT_S, READ_S
    target = Apprise(asset=asset)
    target.add(found)
    return target


def _cause(text: str, refused: bool) -> tuple[str, int]:
    """Why an attempt failed, as a stable word, and the HTTP status if it has one."""
    if refused:
        return "forbidden", 0
    if status := re.search(r"error=(\d{3})", text):
        number = int(status[1])
        return ("key" if number in (401, 403) else "status"), number
    lowered = text.lower()
    return next((word for word, signs in _SIGNS if any(sign in lowered for sign in signs)), "unknown"), 0


if __name__ == "__main__":
    main()
