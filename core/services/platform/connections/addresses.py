"""Addresses of endpoints, checked before they are stored."""

from __future__ import annotations

from functools import partial
from urllib.parse import urlsplit

from core.errors import SettingsError
from core.platform import network


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
    written = network.literal(parts.hostname)
    if written is not None and network.is_forbidden(str(written)):  # a name is checked when it is connected to
        raise wrong("Link-local and similar addresses are not allowed.", remedy)
    if parts.username or parts.password:
        raise wrong("The address contains a user name or password.", "Put it in the Key field.")
    if parts.query or parts.fragment:
        raise wrong("The address contains a “?” or “#” part.", "Remove it; put the API key in the Key field.")
    if len(url) > 500:
        raise wrong("The address is longer than 500 characters.", remedy)
    return url
