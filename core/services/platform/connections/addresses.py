"""Addresses of endpoints, checked before they are stored."""

from __future__ import annotations

import ipaddress
from functools import partial
from urllib.parse import urlsplit

from core.errors import SettingsError


def checked_url(text: str) -> str:
    """A valid address: http(s), with a host, without a secret. Raises SettingsError of the field `base_url`."""
    wrong = partial(SettingsError, field="base_url")
    url = text.strip().rstrip("/")
    remedy = "Write it like https://api.openai.com/v1 or http://127.0.0.1:11434."
    try:
        parts = urlsplit(url)
        port_ok = parts.port is None or parts.port > 0
    except ValueError:
        raise wrong("The address cannot be read.", remedy) from None
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or not port_ok
        or not url.isprintable()
        or " " in url
    ):
        raise wrong("The address must start with http:// or https:// and name a host.", remedy)
    if _is_forbidden(parts.hostname):
        raise wrong("Link-local and multicast addresses are not allowed.", remedy)
    if parts.username or parts.password:
        raise wrong("The address contains a user name or password.", "Put it in the Key field.")
    if parts.query or parts.fragment:
        raise wrong("The address contains a “?” or “#” part.", "Remove it; put the API key in the Key field.")
    if len(url) > 500:
        raise wrong("The address is longer than 500 characters.", remedy)
    return url


def _is_forbidden(host: str) -> bool:
    """Whether an address can lead to internal services, such as a cloud's 169.254.169.254."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_link_local or address.is_multicast or address.is_unspecified
