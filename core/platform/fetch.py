"""A guarded download: files of allowed hosts, and no way into the network behind the server.

The name of a host may lead anywhere, also to this machine. So a name is resolved once, its addresses are checked, and
the connection goes to the checked address; TLS and the Host header keep the name. Every redirect is checked as well.
"""

from __future__ import annotations

import io
import ipaddress
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, cast
from urllib.parse import SplitResult, unquote, urlsplit

import httpx

from core.errors import DataError, StudioError
from core.text import too_large

_TIMEOUT_S = 20.0  # for each answer of the host
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
    deadline = time.monotonic() + _TOTAL_S
    # `identity`: a file that is gzip itself arrives unchanged, and nothing is unpacked on the way.
    headers = {"Accept-Encoding": "identity", "User-Agent": "sft-studio"}
    target = _checked(url.strip(), hosts)
    with httpx.Client(
        transport=_PinnedTransport(hosts, deadline),
        follow_redirects=True,
        max_redirects=_REDIRECTS,
        timeout=_TIMEOUT_S,
        headers=headers,
        trust_env=False,
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
        try:
            yield _opened(response, max_bytes, deadline)
        finally:
            response.close()


def _opened(response: httpx.Response, max_bytes: int, deadline: float) -> Download:
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
    body = _Body(response, parts.netloc, expected, max_bytes, deadline)
    name = unquote(parts.path.rsplit("/", 1)[-1]) or "download"
    return Download(name, cast(BinaryIO, io.BufferedReader(body, _CHUNK)))


class _PinnedTransport(httpx.BaseTransport):
    """Connects to the address that was checked, not to what the name means a moment later."""

    def __init__(self, hosts: Sequence[str], deadline: float) -> None:
        self._hosts, self._deadline = hosts, deadline
        # No connection is used twice: two names on one address must not share what was verified for one of them.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._inner = httpx.HTTPTransport(verify=ssl.create_default_context(), limits=limits, trust_env=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        parts = _checked(str(request.url), self._hosts)
        name = str(parts.hostname)
        for address in _addresses(parts):
            extensions = {**request.extensions, "sni_hostname": name}
            url = request.url.copy_with(host=address)
            pinned = httpx.Request(
                request.method, url, headers=request.headers, stream=request.stream, extensions=extensions
            )
            try:
                if time.monotonic() > self._deadline:
                    raise httpx.ConnectTimeout(f"it took more than {_TOTAL_S:.0f} s")
                return self._inner.handle_request(pinned)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
        raise failure

    def close(self) -> None:
        self._inner.close()


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


def _addresses(parts: SplitResult) -> list[str]:
    """The addresses of a host, all of them public unless the address itself was allowed."""
    name, port = str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise _failed(parts.netloc, error) from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not addresses:
        raise _failed(parts.netloc, OSError("the name has no address"))
    for address in addresses:
        # An address written out in the settings is meant; a name that leads to a local one is a trick.
        if not _is_public(address) and not _is_address(name) and name != "localhost":
            raise StudioError(
                f"{name} leads to {address}, which is a private or local address.",
                "If that is intended, write the address itself in SFT_IMPORT_HOSTS and in the URL.",
            )
    return addresses


def _is_public(address: str) -> bool:
    found = ipaddress.ip_address(address.split("%")[0])
    mapped = getattr(found, "ipv4_mapped", None)
    return bool((mapped or found).is_global and not found.is_multicast)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class _Body(io.RawIOBase):
    """The answer as a stream that ends at the limits, and does not take a cut answer for a complete one."""

    def __init__(
        self, response: httpx.Response, netloc: str, expected: int | None, max_bytes: int, deadline: float
    ) -> None:
        self._netloc, self._expected, self._max_bytes, self._deadline = netloc, expected, max_bytes, deadline
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
        except httpx.HTTPError:
            if self._expected is not None:
                error = httpx.ReadError(f"it ended after {self._size:,} of {self._expected:,} bytes")
            raise _failed(self._netloc, error) from error
        if time.monotonic() > self._deadline:
            raise _failed(self._netloc, TimeoutError(f"it took more than {_TOTAL_S:.0f} s"))
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
