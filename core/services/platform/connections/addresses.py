"""Addresses of endpoints as they may be kept."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from core.errors import SettingsError


def checked_url(text: str) -> str:
    """An address that can be kept: http(s), a host, no secret inside.

    Raises:
        SettingsError: says what is wrong with it.
    """
    url = text.strip().rstrip("/")
    remedy = "Write it like https://api.openai.com/v1 or http://127.0.0.1:11434."
    try:
        parts = urlsplit(url)
        port_ok = parts.port is None or parts.port > 0
    except ValueError:
        raise SettingsError("The address cannot be read.", remedy) from None
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or not port_ok
        or not url.isprintable()
        or " " in url
    ):
        raise SettingsError("The address is no http or https address.", remedy)
    if _is_nobody(parts.hostname):
        raise SettingsError("The address is one that no language model has (link-local, multicast).", remedy)
    if parts.username or parts.password:
        raise SettingsError("The address holds a user name or password.", "Put it into the key.")
    if parts.query or parts.fragment:
        raise SettingsError("The address holds a “?” or “#” part.", "Leave it off; a key belongs into the key.")
    if len(url) > 500:
        raise SettingsError("The address is longer than 500 characters.", remedy)
    return url


def _is_nobody(host: str) -> bool:
    """Addresses where machines keep what is not meant for others, such as a cloud's 169.254.169.254."""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return False
    found = getattr(found, "ipv4_mapped", None) or found
    return found.is_link_local or found.is_multicast or found.is_unspecified
