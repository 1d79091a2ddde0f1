"""Connections to the language models that write examples: kept, tested, priced. A key never enters the database.

A key is either named (an environment variable of this server) or stored in a file of the data directory that only this
user can read. Whoever changes the address has to give the key again: it was meant for the old one.
"""

# ruff: noqa: PT028  `test` is a verb here

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlmodel import col, select

from core import arguments
from core.errors import Conflict, NotFound, ProviderKeyMissing, SettingsError
from core.ids import new_id
from core.models.llm import CLIENTS, Client, ClientKind, Endpoint, LlmError, prices
from core.models.llm.base import DEFAULT_TIMEOUT_S
from core.models.llm.prices import Price
from core.platform.db.tables import LlmConnection
from core.platform.db.uow import UnitOfWork
from core.services.platform.connections import keys
from core.services.platform.connections.addresses import checked_url

STUDIO: Final = "studio"  # the connection that is always there
TEST_TIMEOUT_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class ConnectionKind:
    """A kind of connection, as the screen offers it."""

    id: str
    title: str
    text: str
    needs_url: bool
    needs_key: bool
    default_url: str


@dataclass(frozen=True, slots=True)
class ConnectionRecord:
    """A connection. `key_hint` shows at most the last four characters of the key; "" where there is none.

    `prices` is {model or "*": {"input", "output", "as_of"}} in US dollars per million tokens; `settings` holds
    `timeout_s` and `concurrency`. The built-in one (this studio) can be neither changed nor deleted.
    """

    id: str
    name: str
    kind: str
    base_url: str
    key_env: str
    key_hint: str
    prices: Mapping[str, Any]
    settings: Mapping[str, Any]
    builtin: bool
    created_at: float
    updated_at: float

    @property
    def has_key(self) -> bool:
        return bool(self.key_hint)

    @property
    def client_kind(self) -> ClientKind:
        return CLIENTS.get(self.kind)

    def price(self, model: str) -> Price | None:
        """What the tokens of a model cost here; None where that is unknown."""
        return prices.price_of(self.prices, model, is_local=self.client_kind.is_local)


@dataclass(frozen=True, slots=True)
class ConnectionTest:
    """How a test went. `models` is empty where the endpoint keeps no list; `field` (base_url, key) is what to mend."""

    ok: bool
    message: str
    remedy: str = ""
    models: tuple[str, ...] = field(default=())
    latency_ms: float = 0.0
    field: str = ""


def kinds() -> list[ConnectionKind]:
    """The kinds of connections, in the order of the screen."""
    return [
        ConnectionKind(entry.id, entry.title, entry.text, entry.needs_url, entry.needs_key, entry.default_url)
        for entry in CLIENTS
    ]


def list_connections() -> list[ConnectionRecord]:
    """Every connection; this studio's own models first, then the others by name."""
    with UnitOfWork(write=False) as uow:
        rows = uow.session.exec(select(LlmConnection).order_by(col(LlmConnection.name)))
        return [_builtin(), *map(_record, rows)]


def get(connection_id: str) -> ConnectionRecord:
    """One connection; NotFound where there is none."""
    return _builtin() if connection_id == STUDIO else _record(_row(connection_id))


def save(
    *,
    id: str | None = None,
    name: str,
    kind: str,
    base_url: str = "",
    key: str | None = None,
    key_env: str = "",
    prices: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> ConnectionRecord:
    """Make a connection, or change the one with this id.

    Args:
        base_url: "" takes the kind's own address.
        key: the key itself; None (and no key_env) keeps what is stored, "" removes it.
        key_env: instead of a key, the environment variable of this server that holds it.
        prices, settings: None keeps what is stored.

    Raises:
        SettingsError: something is missing or cannot be; the address changed and no key was given. Conflict: the name
            is taken. NotFound: no connection has this id.
    """
    if id == STUDIO:
        raise Conflict("This studio's own connection cannot be changed.", "Make another one.")
    row = _row(id) if id else LlmConnection(id=new_id("llm"), name="", kind=kind)
    provider = _client_kind(kind)
    url = checked_url(base_url or provider.default_url) if provider.needs_url else ""
    keys.check(key, key_env)
    keeps = bool(id) and key is None and not key_env
    if keeps and (row.key_file or row.key_env) and (row.base_url, row.kind) != (url, kind):
        raise SettingsError(
            "The address changed, and the stored key was meant for the old one.",
            "Enter the key again, or leave it empty to go without.",
        )
    row.name, row.kind, row.base_url = _name(name), kind, url
    row.prices = checked_prices(prices) if prices is not None else row.prices
    row.settings = _settings(settings) if settings is not None else row.settings
    row.updated_at = time.time()
    old_file = new_file = row.key_file
    if not keeps:
        new_file, row.key_env = (keys.write(key) if key else ""), key_env
    row.key_file = new_file
    try:
        with UnitOfWork() as uow:
            other = uow.session.exec(select(LlmConnection.id).where(LlmConnection.name == row.name)).first()
            if other not in (None, row.id):
                raise Conflict(f"A connection named “{row.name}” exists already.", "Choose another name.")
            saved = uow.session.merge(row)
            uow.commit()
            record = _record(saved)
    except BaseException:
        if new_file != old_file:
            keys.remove(new_file)
        raise
    if new_file != old_file:
        keys.remove(old_file)
    return record


def delete(connection_id: str) -> None:
    """Delete a connection with its key; none there is fine. Tasks that use it stop with a word about it."""
    if connection_id == STUDIO:
        raise Conflict("This studio's own connection cannot be deleted.", "It needs no settings.")
    with UnitOfWork() as uow:
        row = uow.session.get(LlmConnection, connection_id)
        if row is None:
            return
        key_file = row.key_file
        uow.session.delete(row)
        uow.commit()
    keys.remove(key_file)


def test(connection_id: str) -> ConnectionTest:
    """Ask a saved connection for its models."""
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
    """Test what stands in a form, before it is saved.

    Args:
        id: the connection being changed: its stored key is used where none is typed in and the address is the same.
    """
    try:
        provider = _client_kind(kind)
        url = checked_url(base_url or provider.default_url) if provider.needs_url else provider.default_url
        keys.check(key, key_env)
        _settings(settings or {})
        secret = keys.from_environment(key_env) if key_env else key or ""
        if id and key is None and not key_env:
            row = _row(id)
            if (row.key_file or row.key_env) and (row.base_url, row.kind) != (url, kind):
                return ConnectionTest(
                    False,
                    "The address changed, and the stored key was meant for the old one.",
                    "Enter the key again.",
                    field="key",
                )
            secret = keys.from_environment(row.key_env) if row.key_env else keys.read(row.key_file)
    except ProviderKeyMissing as error:
        return ConnectionTest(False, error.message, error.remedy, field="key")
    except (SettingsError, NotFound) as error:
        return ConnectionTest(False, error.message, error.remedy)
    return _test(provider, Endpoint(url, secret, TEST_TIMEOUT_S))


def models(connection_id: str) -> tuple[str, ...]:
    """Names of the models that answer at a connection; () where it keeps no list.

    Raises:
        LlmError: it does not answer. ProviderKeyMissing: its key is gone.
    """
    client = open_client(connection_id, timeout_s=TEST_TIMEOUT_S)
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
    row = _row(connection_id)
    secret = keys.from_environment(row.key_env) if row.key_env else keys.read(row.key_file)
    wait_s = timeout_s or float(row.settings.get("timeout_s") or DEFAULT_TIMEOUT_S)
    return Endpoint(row.base_url, secret, wait_s)


checked_prices = prices.checked
_ABOUT_THE_KEY = ("key", "quota")  # causes of a failure; every other one is about where the address leads


def _test(kind: ClientKind, endpoint: Endpoint) -> ConnectionTest:
    endpoint = Endpoint(endpoint.base_url, endpoint.key, min(endpoint.timeout_s, TEST_TIMEOUT_S))
    client = kind.open(endpoint)
    began = time.monotonic()
    try:
        found = tuple(client.models())
    except LlmError as error:
        own = kind.id == STUDIO and error.cause == "unreachable"
        remedy = "Start the studio with `sft up`; its models answer a few seconds later." if own else error.remedy
        wrong = "key" if error.cause in _ABOUT_THE_KEY else "base_url"
        took_ms = (time.monotonic() - began) * 1000
        return ConnectionTest(False, error.message, remedy, latency_ms=took_ms, field=wrong)
    finally:
        client.close()
    took_ms = (time.monotonic() - began) * 1000
    if not found:
        return ConnectionTest(True, "It answers, but lists no models.", "Type the name of the model.", (), took_ms)
    many = f"{len(found):,} models" if len(found) > 1 else "one model"
    return ConnectionTest(True, f"It answers and offers {many}.", "", found, took_ms)


def _client_kind(kind: str) -> ClientKind:
    if kind not in CLIENTS:
        raise SettingsError(f"There is no kind of connection {kind!r}.", f"Choose one of {', '.join(CLIENTS.ids())}.")
    return CLIENTS.get(kind)


def _name(name: str) -> str:
    clean = name.strip()
    if not 1 <= len(clean) <= 80 or not clean.isprintable():
        raise SettingsError("A connection needs a name of 1 to 80 visible characters.", "Give it one.")
    if clean == _builtin().name:
        raise Conflict(f"“{clean}” is the name of the built-in connection.", "Choose another name.")
    return clean


def _settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    settings = arguments.mapping(settings, "settings")
    for key, low, high in (("timeout_s", 1, 3600), ("concurrency", 1, 16)):
        value = settings.get(key)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise SettingsError(f"{key} is {value!r}.", f"Choose {low} to {high}.")
        out[key] = value
    return out


# ---- rows


def _hint(row: LlmConnection) -> str:
    if row.key_env:
        return f"from {row.key_env}"
    try:
        key = keys.read(row.key_file)
    except ProviderKeyMissing:
        return ""
    return "" if not key else f"…{key[-4:]}" if len(key) >= 16 else "stored"


def _builtin() -> ConnectionRecord:
    kind = CLIENTS.get(STUDIO)
    return ConnectionRecord(STUDIO, kind.title, STUDIO, kind.default_url, "", "", {}, {}, True, 0.0, 0.0)


def _row(connection_id: str) -> LlmConnection:
    with UnitOfWork(write=False) as uow:
        row = uow.session.get(LlmConnection, connection_id)
        if row is not None:
            uow.session.expunge(row)
    if row is None:
        raise NotFound(f"There is no connection {connection_id!r}.", "Open Settings and choose or make one.")
    return row


def _record(row: LlmConnection) -> ConnectionRecord:
    values = row.model_dump(exclude={"key_file", "base_url"})
    url = row.base_url or CLIENTS.get(row.kind).default_url
    return ConnectionRecord(**values, base_url=url, key_hint=_hint(row), builtin=False)


__all__ = [
    "STUDIO",
    "ConnectionKind",
    "ConnectionRecord",
    "ConnectionTest",
    "checked_url",
    "delete",
    "endpoint_of",
    "get",
    "kinds",
    "list_connections",
    "models",
    "open_client",
    "save",
    "test",
    "test_values",
]
