"""Which environment variable holds a key for which hosts: a key goes to the hosts of its variable and nowhere else.

The entries of the registries bring the pairs that are known (`key_hosts`), and SFT_KEY_HOSTS those of the operator.
Without this, whoever may enter an address could have any key of the server sent to it.
"""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from core.errors import SettingsError
from core.models.base_models import hub_cache
from core.models.llm import CLIENTS
from core.settings import get_settings
from core.training.providers import PROVIDERS
from core.training.providers.hosted_services import HOSTED_SERVICES


def pairs() -> dict[str, tuple[str, ...]]:
    """Every variable that may be named, with the hosts that its key is for.

    A host is `host` (https on port 443), `host:port` (on that port) or `*.host` (every name below it).
    """
    found: dict[str, tuple[str, ...]] = {}
    entries = [
        hub_cache.KEY_HOSTS,
        *(entry.key_hosts for entry in (*CLIENTS, *PROVIDERS, *HOSTED_SERVICES)),
        get_settings().hosts_of_keys,
    ]
    for known in entries:
        for variable, hosts in known.items():
            found[variable] = tuple(dict.fromkeys((*found.get(variable, ()), *hosts)))
    return found


def is_for(variable: str, url: str) -> bool:
    """Whether the key in a variable is for the host of this URL."""
    return any(_matches(urlsplit(url), host) for host in pairs().get(variable, ()))


def check(variable: str, url: str) -> None:
    """Refuse to send the key in a variable to another host than its own. Raises SettingsError."""
    if is_for(variable, url):
        return
    hosts, target = pairs().get(variable, ()), urlsplit(url)
    place = target.netloc or "this host"
    meant = f"it is for {', '.join(hosts)}" if hosts else "it is not assigned to any host"
    assign = f"set SFT_KEY_HOSTS={variable[:60]}={place} and restart the studio"
    if target.scheme == "http" and target.port is None:
        assign = f"use https, or {assign.replace(place, f'{place}:80')}"
    raise SettingsError(
        f"The key in the variable {variable[:60]!r} must not be sent to {place}: {meant}.",
        f"Store a key in the connection instead; or {assign} (only whoever runs the studio can).",
        field="key",
    )


def _matches(url: SplitResult, pattern: str) -> bool:
    wanted = urlsplit(f"//{pattern}")
    name, host = (wanted.hostname or "").rstrip("."), (url.hostname or "").rstrip(".")
    port = url.port or {"http": 80, "https": 443}.get(url.scheme)
    if wanted.port is None and url.scheme != "https":  # a key in the clear only where the operator wrote the port
        return False
    same = host.endswith(name[1:]) and host != name[2:] if name.startswith("*.") else host == name
    return bool(host) and same and port == (wanted.port or 443)
