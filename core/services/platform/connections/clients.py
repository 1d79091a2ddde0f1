"""Clients for connections, with address and key."""

from __future__ import annotations

from contextlib import closing
from typing import Final

from core.models.llm import CLIENTS, Client, Endpoint
from core.models.llm.base import DEFAULT_TIMEOUT_S
from core.services.platform.connections.store import STUDIO, get, key_of, row_of

LIST_TIMEOUT_S: Final = 15.0  # for the list of models: a person is waiting


def models(connection_id: str) -> tuple[str, ...]:
    """Names of the models of a connection; () if the endpoint has no list.

    Raises:
        LlmError: the endpoint does not respond. ProviderKeyMissing: its key is missing.
    """
    with closing(open_client(connection_id, timeout_s=LIST_TIMEOUT_S)) as client:
        return tuple(client.models())


def open_client(connection_id: str, *, timeout_s: float | None = None) -> Client:
    """A client for a connection; close it. Raises NotFound, ProviderKeyMissing."""
    record = get(connection_id)
    return record.client_kind.open(endpoint_of(connection_id, timeout_s))


def endpoint_of(connection_id: str, timeout_s: float | None = None) -> Endpoint:
    """Address and key of a connection; never show the key.

    Raises:
        ProviderKeyMissing: the environment variable is not set, or the stored key was deleted.
    """
    if connection_id == STUDIO:
        return Endpoint(CLIENTS.get(STUDIO).default_url, "", timeout_s or DEFAULT_TIMEOUT_S)
    row = row_of(connection_id)
    wait_s = timeout_s or float(row.settings.get("timeout_s") or DEFAULT_TIMEOUT_S)
    return Endpoint(row.base_url, key_of(row), wait_s)
