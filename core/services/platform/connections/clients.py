"""Clients for connections: address and key, for the process that asks there."""

from __future__ import annotations

from typing import Final

from core.models.llm import CLIENTS, Client, Endpoint
from core.models.llm.base import DEFAULT_TIMEOUT_S
from core.services.platform.connections import keys
from core.services.platform.connections.store import STUDIO, get, row_of

LIST_TIMEOUT_S: Final = 15.0  # for the list of models: a person is waiting


def models(connection_id: str) -> tuple[str, ...]:
    """Names of the models that answer at a connection; () where it keeps no list.

    Raises:
        LlmError: it does not answer. ProviderKeyMissing: its key is gone.
    """
    client = open_client(connection_id, timeout_s=LIST_TIMEOUT_S)
    try:
        return tuple(client.models())
    finally:
        client.close()


def open_client(connection_id: str, *, timeout_s: float | None = None) -> Client:
    """A client for a connection; close it. Raises NotFound, ProviderKeyMissing."""
    record = get(connection_id)
    return record.client_kind.open(endpoint_of(connection_id, timeout_s))


def endpoint_of(connection_id: str, timeout_s: float | None = None) -> Endpoint:
    """Address and key of a connection, for the one who asks there and nobody else.

    Raises:
        ProviderKeyMissing: the environment variable is not set, or the file of the key is gone.
    """
    if connection_id == STUDIO:
        return Endpoint(CLIENTS.get(STUDIO).default_url, "", timeout_s or DEFAULT_TIMEOUT_S)
    row = row_of(connection_id)
    secret = keys.from_environment(row.key_env) if row.key_env else keys.read(row.key_file)
    wait_s = timeout_s or float(row.settings.get("timeout_s") or DEFAULT_TIMEOUT_S)
    return Endpoint(row.base_url, secret, wait_s)
