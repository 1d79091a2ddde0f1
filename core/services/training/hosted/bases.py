"""The connections that train, and the base models that each of them trains now."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from core.errors import StudioError
from core.services.platform import connections
from core.services.platform.connections import ConnectionRecord
from core.training.providers.hosted import HostedBase

FRESH_S: Final = 300.0  # a list is used again for so long; one that failed only until it is asked for again
_known: dict[tuple[str, float], tuple[float, tuple[HostedBase, ...]]] = {}
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Bases:
    """The base models of a connection; `error` is why they could not be listed."""

    bases: tuple[HostedBase, ...] = ()
    error: StudioError | None = None

    def find(self, base_id: str) -> HostedBase | None:
        """The base with this id."""
        return next((base for base in self.bases if base.id == base_id), None)


def host_of(connection: ConnectionRecord) -> str:
    """The host that examples are sent to."""
    return urlsplit(connection.base_url).netloc


def training_connections() -> list[ConnectionRecord]:
    """The connections that train."""
    return [one for one in connections.list_connections() if one.service is not None]


def bases_of(connection_id: str, *, again: bool = False) -> Bases:
    """The base models that a connection trains now, as of the last FRESH_S seconds.

    Args:
        again: ask the service, even if it has been asked just before.
    """
    try:
        key = (connection_id, connections.get(connection_id).updated_at)  # a changed connection is asked again
        with _lock:
            at, found = _known.get(key, (float("-inf"), ()))
        if again or time.monotonic() - at > FRESH_S:
            found = connections.base_models(connection_id)
            with _lock:
                _known[key] = (time.monotonic(), found)
    except StudioError as error:
        return Bases(error=error)
    return Bases(found)
