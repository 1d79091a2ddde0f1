"""Files of this server and of other hosts become uploads, where the settings allow it and nowhere else.

A path is resolved, links included, and must then lie under one of SFT_IMPORT_ROOTS. A URL must name one of
SFT_IMPORT_HOSTS exactly; every redirect is checked anew. An address that is private or local is refused, unless the
setting names that very address: the name of a host may point anywhere, also into the own network.
"""

from __future__ import annotations

import http.client
import io
import ipaddress
import os
import socket
import ssl
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from core.data.findings import data_error
from core.errors import DataError, StudioError
from core.services.data import sources
from core.services.data.sources import SourceRecord
from core.settings import MAX_UPLOAD_BYTES, get_settings

_TIMEOUT_S = 20.0  # for each answer of the host
_TOTAL_S = 600.0  # for the whole file: a host that drips one byte a second ends here
_REDIRECTS = 5
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class ImportPlaces:
    """Where files may be imported from; both empty: the feature is off."""

    roots: tuple[Path, ...]
    hosts: tuple[str, ...]


def available() -> ImportPlaces:
    """The folders and hosts that SFT_IMPORT_ROOTS and SFT_IMPORT_HOSTS name."""
    settings = get_settings()
    roots = [Path(os.path.realpath(Path(name).expanduser())) for name in _words(settings.import_roots, os.pathsep)]
    return ImportPlaces(tuple(roots), tuple(name.lower() for name in _words(settings.import_hosts, ",")))


def from_path(path: str | Path) -> SourceRecord:
    """Copy a file of this server into the store, as an upload.

    Raises:
        StudioError: no folder is allowed, or the file lies in none of them.
        DataError: not there, not a file, too large, or nothing the studio can read.
    """
    roots = available().roots
    if not roots:
        raise StudioError(
            "Files of the server cannot be imported: no folder is set for it.",
            "Set SFT_IMPORT_ROOTS to a folder and start the studio again, or upload the file.",
        )
    text = str(path).strip()
    if not text or "\0" in text:
        raise DataError("There is no path.", "Name a file of the server.", field="path")
    wanted = Path(text).expanduser()
    if not wanted.is_absolute():
        wanted = roots[0] / wanted
    # The file is opened first and then looked at, so that nobody can exchange it in between.
    try:
        handle = os.open(wanted, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        handle = -1
    try:
        real = Path(os.path.realpath(f"/proc/self/fd/{handle}" if handle >= 0 else wanted))
        if not any(real.is_relative_to(root) for root in roots):
            # Said the same way whether the file exists or not: nothing outside can be probed for.
            raise StudioError(
                f"{text!r} lies outside the folders that may be imported from.",
                f"Choose a file under {', '.join(map(str, roots))}.",
            )
        if handle < 0:
            raise data_error("file_missing", f"{text!r} does not exist or cannot be opened.", field="path")
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise data_error("file_missing", f"{text!r} is not a file.", "Name a file.", field="path")
        with os.fdopen(handle, "rb") as stream:
            handle = -1
            return sources.ingest(cast(BinaryIO, stream), real.name, origin="path")
    finally:
        if handle >= 0:
            os.close(handle)


def from_url(url: str) -> SourceRecord:
    """Fetch a file from an allowed host into the store, as an upload; streamed, and stopped at the size limit.

    Raises:
        StudioError: no host is allowed, or not this one; a redirect leads elsewhere; the host does not answer.
        DataError: not a web address, too large, or nothing the studio can read.
    """
    hosts = available().hosts
    if not hosts:
        raise StudioError(
            "Files cannot be fetched from other hosts: none is set for it.",
            "Set SFT_IMPORT_HOSTS to their names and start the studio again, or upload the file.",
        )
    deadline = time.monotonic() + _TOTAL_S
    target = url.strip()
    for _ in range(_REDIRECTS + 1):
        parts = _checked(target, hosts)
        connection = _connect(parts, hosts)
        try:
            response = _ask(connection, parts)
            if response.status in (301, 302, 303, 307, 308):
                target = urljoin(target, response.headers.get("Location") or "")
                continue
            if response.status != 200:
                raise StudioError(
                    f"{parts.hostname} answered {response.status} {response.reason} for {parts.path or '/'}.",
                    "Open the address in a browser, and check it.",
                )
            length = response.headers.get("Content-Length") or ""
            if length.isdigit() and int(length) > MAX_UPLOAD_BYTES:
                raise data_error("file_too_large", f"The file has {int(length):,} bytes; {MAX_UPLOAD_BYTES:,} may be.")
            stream = io.BufferedReader(_Body(response, parts, deadline), _CHUNK)
            name = unquote(parts.path.rsplit("/", 1)[-1]) or "download"
            return sources.ingest(cast(BinaryIO, stream), name, origin="url")
        finally:
            connection.close()
    raise StudioError(f"{url!r} leads to more than {_REDIRECTS} redirects.", "Name the address of the file itself.")


def _words(text: str, separator: str) -> list[str]:
    return [word.strip() for word in text.split(separator) if word.strip()]


def _checked(url: str, hosts: tuple[str, ...]) -> SplitResult:
    """The parts of an address that may be fetched."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise DataError(f"{url[:200]!r} is not a web address.", "Write https://host/file.csv.", field="url") from error
    clean = url.isprintable() and " " not in url
    if parts.scheme not in ("http", "https") or not parts.hostname or not clean:
        raise DataError(f"{url[:200]!r} is not a web address.", "Write https://host/file.csv.", field="url")
    if parts.username or parts.password:
        raise DataError(
            "The address holds a name or password, which would be kept in logs.",
            "Leave it out; upload the file if the host asks for a sign-in.",
            field="url",
        )
    name = parts.hostname.lower().rstrip(".")
    default = 443 if parts.scheme == "https" else 80
    if f"{name}:{port or default}" not in hosts and not (name in hosts and port in (None, default)):
        raise StudioError(
            f"{parts.netloc!r} is none of the hosts that files may be fetched from.",
            f"Allowed: {', '.join(hosts)} (SFT_IMPORT_HOSTS; a port other than 80 and 443 stands there as host:port).",
        )
    return parts


def _connect(parts: SplitResult, hosts: tuple[str, ...]) -> http.client.HTTPConnection:
    """A connection to the address that was checked, not to what the name means a moment later."""
    name, port = str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80)
    for family, kind, protocol, _, address in _addresses(parts, name, port):
        # An address written out in the settings is meant; a name that leads to a local one is a trick.
        if not _is_public(str(address[0])) and not _is_address(name) and name != "localhost":
            raise StudioError(
                f"{name} leads to {address[0]}, which is a private or local address.",
                "If that is meant, name the address itself in SFT_IMPORT_HOSTS and in the URL.",
            )
        plain = socket.socket(family, kind, protocol)
        try:
            plain.settimeout(_TIMEOUT_S)
            plain.connect(address)
            connection = http.client.HTTPConnection(name, port, timeout=_TIMEOUT_S)
            if parts.scheme == "https":
                connection.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=name)
            else:
                connection.sock = plain
            return connection
        except OSError as error:
            plain.close()
            failure = error
    raise _failed(parts, failure) from failure


def _addresses(parts: SplitResult, name: str, port: int) -> list[tuple[int, int, int, str, tuple[str | int, ...]]]:
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise _failed(parts, error) from error
    return cast("list[tuple[int, int, int, str, tuple[str | int, ...]]]", found)


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


def _ask(connection: http.client.HTTPConnection, parts: SplitResult) -> http.client.HTTPResponse:
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        # `identity`: a file that is itself gzip comes as it is, and nothing is unpacked on the way.
        connection.request("GET", path, headers={"Accept-Encoding": "identity", "User-Agent": "sft-studio"})
        return connection.getresponse()
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        raise _failed(parts, error) from error


def _failed(parts: SplitResult, error: Exception) -> StudioError:
    reason = str(error) or type(error).__name__
    return StudioError(f"{parts.netloc} cannot be reached, or broke off: {reason[:200]}.", "Try again later.")


class _Body(io.RawIOBase):
    """The answer as a stream that ends at the deadline, and does not take a cut answer for a whole one."""

    def __init__(self, response: http.client.HTTPResponse, parts: SplitResult, deadline: float) -> None:
        self._parts = parts
        self._pieces = self._read(response, deadline)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        target = memoryview(cast(bytearray, buffer))
        if not self._rest:
            self._rest = next(self._pieces, b"")
        piece, self._rest = self._rest[: len(target)], self._rest[len(target) :]
        target[: len(piece)] = piece
        return len(piece)

    def _read(self, response: http.client.HTTPResponse, deadline: float) -> Iterator[bytes]:
        expected = response.length
        size = 0
        while piece := self._piece(response):
            if time.monotonic() > deadline:
                raise _failed(self._parts, TimeoutError(f"it took more than {_TOTAL_S:.0f} s"))
            size += len(piece)
            yield piece
        if expected is not None and size < expected:
            raise _failed(self._parts, EOFError(f"it ended after {size:,} of {expected:,} bytes"))

    def _piece(self, response: http.client.HTTPResponse) -> bytes:
        try:
            return response.read1(_CHUNK)
        except (OSError, http.client.HTTPException) as error:
            raise _failed(self._parts, error) from error
