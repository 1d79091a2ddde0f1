"""A guarded download: files of allowed hosts, and no way into the network behind the server.

The name of a host may lead anywhere, also to this machine. So its addresses are checked when the connection is made
(`core.platform.network`), for every redirect as well, and one deadline holds for headers and body together.
"""

from __future__ import annotations

import io
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, cast
from urllib.parse import SplitResult, unquote, urlsplit

import httpx

from core.errors import DataError, StudioError
from core.platform import network
from core.text import too_large

_TIMEOUT_S = 20.0  # without a byte from the host
_HEADERS_S = 60.0  # for everything in front of the file: redirects and headers
_TOTAL_S = 600.0  # for the complete file: a host that sends one byte a second ends here
_REDIRECTS = 5
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Download:
    """A file on its way: the last part of its address as a name, and its bytes."""

    name: str
    stream: BinaryIO


@contextmanager
def download(url: str, hosts: Sequence[str], max_bytes: int) -> Iterator[Download]:
    """Open a file of an allowed host. Its stream fails at the size limit, at a time limit, and if it is cut off.

    Args:
        hosts: names in lower case, as `host` (ports 80 and 443) or `host:port`.

    Raises:
        DataError: the address is not one of the web, or the file is too large.
        StudioError: the host is not allowed or leads to a private address, it does not answer with a file, or the
            transfer breaks off. Reading the stream raises the same errors.
    """
    began = time.monotonic()
    # `identity`: a file that is gzip itself arrives unchanged, and nothing is unpacked on the way.
    headers = {"Accept-Encoding": "identity", "User-Agent": "sft-studio"}
    target = _checked(url.strip(), hosts)

    def guard(request: httpx.Request) -> None:  # called for the first request and for every redirect
        _checked(str(request.url), hosts)
        request.extensions["timeout"] = network.timeouts(_TIMEOUT_S, began + min(_HEADERS_S, _TOTAL_S))

    # No connection is used twice: two names on one address must not share what was verified for one of them.
    limits = httpx.Limits(max_keepalive_connections=0)
    transport = httpx.HTTPTransport(verify=ssl.create_default_context(), limits=limits, trust_env=False)
    network.guard(transport, _refuse_private)
    with httpx.Client(
        transport=transport,
        follow_redirects=True,
        max_redirects=_REDIRECTS,
        headers=headers,
        trust_env=False,
        event_hooks={"request": [guard]},
    ) as client:
        try:
            response = client.send(client.build_request("GET", target.geturl()), stream=True)
        except httpx.TooManyRedirects:
            raise StudioError(
                f"{url!r} leads to more than {_REDIRECTS} redirects.", "Enter the address of the file itself."
            ) from None
        except httpx.InvalidURL as error:
            raise _not_an_address(url) from error
        except httpx.HTTPError as error:
            raise _failed(target.netloc, error) from error
        network.extend(response.request, began + _TOTAL_S)
        try:
            yield _opened(response, max_bytes)
        finally:
            response.close()


def _opened(response: httpx.Response, max_bytes: int) -> Download:
    parts = urlsplit(str(response.url))
    if response.status_code != 200:
        raise StudioError(
            f"{parts.hostname} answered {response.status_code} {response.reason_phrase} for {parts.path or '/'}.",
            "Open the address in a browser to check it.",
        )
    length = response.headers.get("Content-Length") or ""
    expected = int(length) if length.isdigit() else None
    if expected is not None and expected > max_bytes:
        raise _too_large(max_bytes, expected)
    body = _Body(response, parts.netloc, expected, max_bytes)
    name = unquote(parts.path.rsplit("/", 1)[-1]) or "download"
    return Download(name, cast(BinaryIO, io.BufferedReader(body, _CHUNK)))


def _checked(url: str, hosts: Sequence[str]) -> SplitResult:
    """The parts of an address that may be fetched."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _not_an_address(url) from error
    clean = url.isprintable() and " " not in url
    if parts.scheme not in ("http", "https") or not parts.hostname or not clean:
        raise _not_an_address(url)
    if parts.username or parts.password:
        raise DataError(
            "The address contains a name or password, which would end up in logs.",
            "Remove it; upload the file if the host needs a sign-in.",
            field="url",
        )
    name = parts.hostname.lower().rstrip(".")
    default = 443 if parts.scheme == "https" else 80
    if f"{name}:{port or default}" not in hosts and not (name in hosts and port in (None, default)):
        raise StudioError(
            f"Files may not be fetched from {parts.netloc!r}.",
            f"Allowed: {', '.join(hosts)} (SFT_IMPORT_HOSTS; write a port other than 80 and 443 as host:port).",
        )
    return parts


def _refuse_private(name: str, addresses: Sequence[str]) -> None:
    """Refuse a name that leads to a private address: one written out in the settings is meant, a name is a trick."""
    if name == "localhost" or _is_address(name):
        return
    for address in addresses:
        if not network.is_public(address):
            raise StudioError(
                f"{name} leads to {address}, which is a private or local address.",
                "If that is intended, write the address itself in SFT_IMPORT_HOSTS and in the URL.",
            )


def _is_address(name: str) -> bool:
    """Whether a host is an address in its usual spelling, so that whoever allowed it knew where it leads."""
    found = network.literal(name)
    return found is not None and str(found) == name.strip("[]")


class _Body(io.RawIOBase):
    """The answer as a stream that ends at the limits, and does not take a cut answer for a complete one."""

    def __init__(self, response: httpx.Response, netloc: str, expected: int | None, max_bytes: int) -> None:
        self._netloc, self._expected, self._max_bytes = netloc, expected, max_bytes
        self._pieces = response.iter_raw()  # each piece as it arrives: a full chunk may be long in coming
        self._size = 0
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        target = memoryview(cast(bytearray, buffer))
        if not self._rest:
            self._rest = self._next()
        piece, self._rest = self._rest[: len(target)], self._rest[len(target) :]
        target[: len(piece)] = piece
        return len(piece)

    def _next(self) -> bytes:
        try:
            piece = next(self._pieces, b"")
        except httpx.TimeoutException as error:
            raise _failed(self._netloc, error) from error
        except httpx.HTTPError as error:
            cut = f"it ended after {self._size:,} of {self._expected:,} bytes" if self._expected is not None else ""
            raise _failed(self._netloc, httpx.ReadError(cut) if cut else error) from error
        self._size += len(piece)
        if self._size > self._max_bytes:
            raise _too_large(self._max_bytes)
        return piece


def _not_an_address(url: str) -> DataError:
    return DataError(f"{url[:200]!r} is not a web address.", "Write https://host/file.csv.", field="url")


def _failed(netloc: str, error: Exception) -> StudioError:
    reason = str(error) or type(error).__name__
    return StudioError(f"The download from {netloc} failed: {reason[:200]}.", "Try again later.")


def _too_large(limit: int, size: int | None = None) -> DataError:
    return DataError(too_large("The file", limit, size), "Split it into several files.", code="file_too_large")
