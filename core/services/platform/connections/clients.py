"""Clients for connections, and tests of a saved connection or the values of a form."""

# ruff: noqa: PT028  `test` is a verb here

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any, Final

from core.errors import NotFound, ProviderKeyMissing, SettingsError
from core.models.llm import CLIENTS, Client, ClientKind, Endpoint, LlmError
from core.models.llm.base import DEFAULT_TIMEOUT_S
from core.services.platform.connections import keys, store
from core.services.platform.connections.addresses import checked_url
from core.services.platform.connections.records import ConnectionTest
from core.training.providers.hosted import HostedBase, HostedService

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
    record = store.get(connection_id)
    return record.client_kind.open(endpoint_of(connection_id, timeout_s))


def endpoint_of(connection_id: str, timeout_s: float | None = None) -> Endpoint:
    """Address and key of a connection; never show the key.

    Raises:
        ProviderKeyMissing: the environment variable is not set, or the stored key was deleted. SettingsError: the
            variable is for other hosts.
    """
    if connection_id == store.STUDIO:
        return Endpoint(CLIENTS.get(store.STUDIO).default_url, "", timeout_s or DEFAULT_TIMEOUT_S)
    row = store.row_of(connection_id)
    wait_s = timeout_s or float(row.settings.get("timeout_s") or DEFAULT_TIMEOUT_S)
    return Endpoint(row.base_url, store.key_of(row), wait_s)


# Causes of a failure, by the field that they concern; all others concern the address.
_FIELDS: Final[Mapping[str, str]] = {"key": "key", "quota": "key", "not_offered": "training"}


def base_models(connection_id: str) -> tuple[HostedBase, ...]:
    """The base models that can be trained at a connection now; () if it does not train.

    Raises:
        LlmError: the service does not respond. ProviderKeyMissing: its key is missing.
    """
    service = store.get(connection_id).service
    return tuple(service.base_models(endpoint_of(connection_id, LIST_TIMEOUT_S))) if service else ()


def test(connection_id: str) -> ConnectionTest:
    """Test a saved connection by listing its models."""
    record = store.get(connection_id)
    try:
        endpoint = endpoint_of(connection_id)
    except (ProviderKeyMissing, SettingsError) as error:
        return ConnectionTest(False, error.message, error.remedy)
    return _test(record.client_kind, endpoint, record.service)


def test_values(
    *,
    kind: str,
    base_url: str = "",
    key: str | None = None,
    key_env: str = "",
    id: str | None = None,
    settings: Mapping[str, Any] | None = None,
    training: str = "",
) -> ConnectionTest:
    """Test the values of a form before they are saved.

    Args:
        id: the connection being changed: its stored key is used if none is entered and the address is the same.
    """
    try:
        provider = store.client_kind(kind)
        service = store.training_service(training, kind)
        default = service.default_url if service else provider.default_url
        url = checked_url(base_url or default) if provider.needs_url else provider.default_url
        keys.check(key, key_env, url)
        store.checked_settings(settings or {})
        secret = keys.from_environment(key_env, url) if key_env else key or ""
        if id and key is None and not key_env:
            row = store.row_of(id)
            if store.was_for_another(row, url, kind):
                return ConnectionTest(False, store.ADDRESS_CHANGED, "Enter the key again.", field="key")
            secret = store.key_of(row)
    except (ProviderKeyMissing, SettingsError, NotFound) as error:
        return ConnectionTest(False, error.message, error.remedy, field=error.field or "")
    return _test(provider, Endpoint(url, secret, LIST_TIMEOUT_S), service)


def _test(kind: ClientKind, endpoint: Endpoint, service: HostedService | None) -> ConnectionTest:
    endpoint = replace(endpoint, timeout_s=min(endpoint.timeout_s, LIST_TIMEOUT_S))
    began = time.monotonic()
    try:
        trainable = _trainable(service, endpoint) if service else ()
        found = _answering(kind, endpoint, needed=service is None)
    except LlmError as error:
        took_ms = (time.monotonic() - began) * 1000
        return ConnectionTest(
            False, error.message, error.remedy, latency_ms=took_ms, field=_FIELDS.get(error.cause, "base_url")
        )
    took_ms = (time.monotonic() - began) * 1000
    if service:
        many = _counted(len(trainable), "base model")
        remedy = "" if trainable else "Enter the name of the base model from the service's documentation."
        text = f"It responds and trains {many}." if trainable else "It responds and trains, but lists no base models."
        return ConnectionTest(True, text, remedy, found, took_ms, trainable=trainable)
    if not found:
        return ConnectionTest(True, "It responds, but lists no models.", "Enter the name of the model.", (), took_ms)
    return ConnectionTest(True, f"It responds and offers {_counted(len(found), 'model')}.", "", found, took_ms)


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}s" if count > 1 else f"one {noun}"


def _trainable(service: HostedService, endpoint: Endpoint) -> tuple[HostedBase, ...]:
    service.check(endpoint)
    return tuple(service.base_models(endpoint))


def _answering(kind: ClientKind, endpoint: Endpoint, *, needed: bool) -> tuple[str, ...]:
    """The models that answer; a service that trains need not have a list of them."""
    try:
        with closing(kind.open(endpoint)) as client:
            return tuple(client.models())
    except LlmError:
        if needed:
            raise
        return ()
