"""Test a connection: a saved one, or the values of a form."""

# ruff: noqa: PT028  `test` is a verb here

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing
from typing import Any, Final

from core.errors import NotFound, ProviderKeyMissing, SettingsError
from core.models.llm import ClientKind, Endpoint, LlmError
from core.services.platform.connections import keys
from core.services.platform.connections.addresses import checked_url
from core.services.platform.connections.clients import LIST_TIMEOUT_S, endpoint_of
from core.services.platform.connections.records import ConnectionTest
from core.services.platform.connections.store import (
    ADDRESS_CHANGED,
    STUDIO,
    checked_settings,
    client_kind,
    get,
    key_of,
    row_of,
    was_for_another,
)

_ABOUT_THE_KEY: Final = ("key", "quota")  # causes of a failure; all others concern the address


def test(connection_id: str) -> ConnectionTest:
    """Test a saved connection by listing its models."""
    record = get(connection_id)
    try:
        endpoint = endpoint_of(connection_id)
    except ProviderKeyMissing as error:
        return ConnectionTest(False, error.message, error.remedy)
    return _test(record.client_kind, endpoint)


def test_values(
    *,
    kind: str,
    base_url: str = "",
    key: str | None = None,
    key_env: str = "",
    id: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> ConnectionTest:
    """Test the values of a form before they are saved.

    Args:
        id: the connection being changed: its stored key is used if none is entered and the address is the same.
    """
    try:
        provider = client_kind(kind)
        url = checked_url(base_url or provider.default_url) if provider.needs_url else provider.default_url
        keys.check(key, key_env)
        checked_settings(settings or {})
        secret = keys.from_environment(key_env) if key_env else key or ""
        if id and key is None and not key_env:
            row = row_of(id)
            if was_for_another(row, url, kind):
                return ConnectionTest(False, ADDRESS_CHANGED, "Enter the key again.", field="key")
            secret = key_of(row)
    except ProviderKeyMissing as error:
        return ConnectionTest(False, error.message, error.remedy, field="key")
    except (SettingsError, NotFound) as error:
        return ConnectionTest(False, error.message, error.remedy)
    return _test(provider, Endpoint(url, secret, LIST_TIMEOUT_S))


def _test(kind: ClientKind, endpoint: Endpoint) -> ConnectionTest:
    endpoint = Endpoint(endpoint.base_url, endpoint.key, min(endpoint.timeout_s, LIST_TIMEOUT_S))
    began = time.monotonic()
    try:
        with closing(kind.open(endpoint)) as client:
            found = tuple(client.models())
    except LlmError as error:
        own = kind.id == STUDIO and error.cause == "unreachable"
        remedy = (
            "Start the studio with `sft up`; its models are available a few seconds later." if own else error.remedy
        )
        wrong = "key" if error.cause in _ABOUT_THE_KEY else "base_url"
        took_ms = (time.monotonic() - began) * 1000
        return ConnectionTest(False, error.message, remedy, latency_ms=took_ms, field=wrong)
    took_ms = (time.monotonic() - began) * 1000
    if not found:
        return ConnectionTest(True, "It responds, but lists no models.", "Enter the name of the model.", (), took_ms)
    many = f"{len(found):,} models" if len(found) > 1 else "one model"
    return ConnectionTest(True, f"It responds and offers {many}.", "", found, took_ms)
