"""Host and Origin: which names a browser may use for the studio, and which pages may write to it.

DNS rebinding: a page of `evil.example` whose name suddenly resolves to 127.0.0.1 reaches a server on loopback, and the
browser considers both the same site. Only the Host header still carries the foreign name.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection

from core.services.platform import sign_in
from core.services.platform.sign_in import SignIn
from core.settings import get_settings

_HOST: Final = re.compile(r"(?:\[(?P<six>[0-9a-f:.]+)\]|(?P<name>[a-z0-9._-]+))(?::(?P<port>[0-9]{1,5}))?")
_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}
READING: Final = ("GET", "HEAD", "OPTIONS")


def split_host(host: str) -> tuple[str, str] | None:
    """The name in lower case and the port ("" if it is a default one) of a Host header; None if it is not valid."""
    match = _HOST.fullmatch(host.strip().lower())
    if match is None:
        return None
    name = match["six"] or match["name"].rstrip(".")
    port = match["port"] or ""
    return (name, "" if port in _DEFAULT_PORTS.values() else port) if name else None


def host_problem(headers: Headers, allowed: Collection[str]) -> str:
    """Why a request with these headers is refused, as a sentence with the remedy; "" if its Host is allowed."""
    hosts = headers.getlist("host")
    found = split_host(hosts[0]) if len(hosts) == 1 else None
    if found is None:
        return "The request has no valid Host header."
    if found[0] in allowed:
        return ""
    return (
        f"{found[0][:255]} is not a name of this studio. Open it as localhost or 127.0.0.1, "
        "or add the name to SFT_ALLOWED_HOSTS."
    )


def is_foreign(headers: Headers, secure: bool) -> bool:
    """Whether a browser sent this request for a page of another origin; such a page must not write.

    Browsers send Origin with each websocket and each writing request; a client without one is not a browser.

    Args:
        secure: whether the studio is reached over TLS; a page without TLS is then another origin.
    """
    origins = headers.getlist("origin")
    if not origins:
        return False
    try:
        origin = urlsplit(origins[0])
    except ValueError:  # not an address, such as "http://["
        return True
    host = split_host(headers.get("host", ""))
    if len(origins) > 1 or origin.scheme not in _DEFAULT_PORTS or (secure and origin.scheme != "https"):
        return True
    return host is None or split_host(origin.netloc) != host


def names_of(request: HTTPConnection, state: SignIn, bound: str) -> frozenset[str]:
    """The host names that this request may carry.

    Args:
        bound: the address that the server listens on; "" means every address.
    """
    names = sign_in.allowed_names(bound)
    if origin := split_host(state.origin.partition("://")[2]):
        names |= {origin[0]}
    server = request.scope.get("server")
    if bound in sign_in.ANYWHERE and server:
        names |= {str(server[0]).lower()}  # an address cannot be rebound, only a name can
    return names


def is_secure(request: HTTPConnection, state: SignIn) -> bool:
    """Whether the client reaches the studio over TLS: directly, by a trusted proxy, or by the sign-in's address."""
    if request.scope.get("scheme") in ("https", "wss") or state.origin.startswith("https://"):
        return True
    peer = request.client.host if request.client else ""
    trusted = {item.strip() for item in get_settings().trusted_proxies.split(",")} - {""}
    forwarded = request.headers.get("x-forwarded-proto", "").rpartition(",")[2].strip().lower()
    return peer in trusted and forwarded == "https"
