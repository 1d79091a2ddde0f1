"""Connections that lead where they may: a name is resolved once, its addresses are checked, and the socket goes there.

A name may lead anywhere, also to this machine, and an address has many spellings: `2130706433`, `0x7f.1` and
`64:ff9b::7f00:1` are all 127.0.0.1. So nothing is decided by the spelling: what the system resolved is checked, with
every IPv4 address that an IPv6 address carries. `openai` uses httpx2, everything else httpx; both have one API, and the
functions here serve both.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
import time
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any, Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Check = Callable[[str, Sequence[str]], None]  # gets a name and its addresses; raises if it must not be connected to

# Where an IPv6 address carries an IPv4 address: its prefix, and the bits below the IPv4 address.
# Source: RFC 4291 2.5.5 (mapped, compatible), RFC 6052 (NAT64), RFC 8215 (NAT64 of a site), RFC 3056 (6to4).
_CARRIERS: Final = tuple(
    (ipaddress.IPv6Network(prefix), shift)
    for prefix, shift in (
        ("::ffff:0:0/96", 0), ("::/96", 0), ("64:ff9b::/96", 0), ("64:ff9b:1::/48", 0), ("2002::/16", 80),
    )
)  # fmt: skip
_ISATAP: Final = 0x5EFE  # RFC 5214: the interface identifier is 0000:5efe or 0200:5efe and an IPv4 address
# Addresses at which clouds answer with the credentials of their machines, outside the link-local range.
_METADATA: Final = frozenset({"100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"})


class AddressRefused(Exception):
    """An address that must not be connected to; the message names it."""


class Until(float):
    """Seconds that an operation on a connection may take, and the moment after which none may begin or wait.

    It is a float, and passes through the HTTP libraries as an ordinary timeout.
    """

    at: float

    def __new__(cls, each_s: float, at: float) -> Until:
        """`each_s` limits one operation; `at` is on the clock of `time.monotonic`."""
        made = super().__new__(cls, max(min(each_s, at - time.monotonic()), 0.0))
        made.at = at
        return made


def timeouts(each_s: float, at: float, *, connect_s: float | None = None) -> dict[str, Until]:
    """The `timeout` extension of a request: nothing of it, its headers included, takes longer than until `at`."""
    limits = dict.fromkeys(("read", "write", "pool"), Until(each_s, at))
    return {**limits, "connect": Until(min(each_s, connect_s or each_s), at)}


def literal(host: str) -> Address | None:
    """The address that a host is written as, in any spelling that the system accepts; None for a name."""
    text = unicodedata.normalize("NFKC", host).strip("[]").split("%")[0].rstrip(".")
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(text)) if text and not text.isspace() else None
    except (OSError, UnicodeError):
        return None


def carried(address: Address) -> list[Address]:
    """An address and every IPv4 address that it carries."""
    found: list[Address] = [address]
    if isinstance(address, ipaddress.IPv6Address):
        number = int(address)
        shifts = [shift for network, shift in _CARRIERS if address in network and number >> 24]  # not :: and ::1
        shifts += [0] if number >> 32 & 0xFDFFFFFF == _ISATAP else []
        found += [ipaddress.IPv4Address(number >> shift & 0xFFFFFFFF) for shift in dict.fromkeys(shifts)]
        if address.teredo:
            found += address.teredo
    return found


def is_public(address: str) -> bool:
    """Whether an address, and all that it carries, belong to the internet."""
    return all(each.is_global and not each.is_multicast for each in _carried(address))


def is_loopback(host: str) -> bool:
    """Whether a host is written as this machine itself: `localhost`, or an address of it in any spelling."""
    name = host.lower().rstrip(".")
    address = literal(host)
    if address is None:
        return name == "localhost" or name.endswith(".localhost")
    return any(each.is_loopback for each in carried(address))


def is_forbidden(address: str) -> bool:
    """Whether nothing may connect there: link-local addresses and others where clouds hand out credentials, addresses
    of many machines, and those of none."""
    return any(
        each.is_link_local or each.is_multicast or each.is_unspecified or str(each) in _METADATA or _is_reserved(each)
        for each in _carried(address)
    )


def _is_reserved(address: Address) -> bool:
    return isinstance(address, ipaddress.IPv4Address) and (address.is_reserved or int(address) >> 24 == 0)


def _carried(address: str) -> list[Address]:
    return carried(ipaddress.ip_address(address.split("%")[0]))


def refuse_forbidden(name: str, addresses: Sequence[str]) -> None:
    """A check: refuses a name if one of its addresses is forbidden. Raises AddressRefused."""
    for address in addresses:
        if is_forbidden(address):
            leads = "" if literal(name) == literal(address) else f"{name} leads to "
            raise AddressRefused(f"{leads}{address}: link-local and similar addresses are not allowed")


def guard(transport: Any, check: Check | None) -> None:
    """Make an HTTP transport resolve and check names itself, and keep to deadlines (`Until`).

    Args:
        transport: an `HTTPTransport` of httpx or httpx2. httpx has no option for this, so its connection pool, which
            has one, is reached through its private name.
        check: None connects anywhere (to a proxy that the environment names).
    """
    pool = transport._pool
    core = sys.modules[type(pool).__module__.partition(".")[0]]  # httpcore or httpcore2
    pool._network_backend = _Backend(core, check)


def extend(request: Any, at: float) -> None:
    """Let the rest of a request, such as the body of its answer, take until `at`."""
    for limit in request.extensions["timeout"].values():
        limit.at = at


class _Backend:
    """What httpcore opens connections with."""

    def __init__(self, core: Any, check: Check | None) -> None:
        self._core, self._check = core, check
        self._inner = core.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> _Stream:
        failure: Exception = self._core.ConnectError(f"{host} has no address")
        for address in self._resolved(host, port):
            try:
                stream = self._inner.connect_tcp(
                    address, port, _left(timeout, self._core.ConnectTimeout), local_address, socket_options
                )
                return _Stream(self._core, stream)
            except (self._core.ConnectError, self._core.ConnectTimeout) as error:
                failure = error
        raise failure

    def _resolved(self, host: str, port: int) -> list[str]:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise self._core.ConnectError(f"{host}: {error}") from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if self._check is not None:
            self._check(host, addresses)
        return addresses


class _Stream:
    """A connection whose every operation ends at its deadline."""

    def __init__(self, core: Any, inner: Any) -> None:
        self._core, self._inner = core, inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        piece: bytes = self._inner.read(max_bytes, _left(timeout, self._core.ReadTimeout))
        return piece

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(timeout, self._core.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None) -> _Stream:
        left = _left(timeout, self._core.ConnectTimeout)
        return _Stream(self._core, self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _left(timeout: float | None, late: type[Exception]) -> float | None:
    """The seconds that an operation may still take. Raises `late` once its moment has passed."""
    if not isinstance(timeout, Until):
        return timeout
    left = timeout.at - time.monotonic()
    if left <= 0:
        raise late("it took more than the time limit")
    return min(float(timeout), left)
