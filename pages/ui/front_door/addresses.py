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
