"""The rows of connections: list, save, delete. Their keys never enter the database."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from sqlmodel import col, select

from core import arguments
from core.errors import Conflict, NotFound, ProviderKeyMissing, SettingsError
from core.ids import new_id
from core.models.llm import CLIENTS, ClientKind, prices as model_prices
from core.platform.db.tables import JOBS, TASKS, LlmConnection
from core.platform.db.uow import UnitOfWork
from core.platform.tasks.states import WORKABLE
from core.services.platform.connections import keys
from core.services.platform.connections.addresses import checked_url
from core.services.platform.connections.records import ConnectionRecord
from core.serving.agents import moving
from core.training.providers.hosted import HostedService
from core.training.providers.hosted_services import HOSTED_SERVICES

STUDIO: Final = "studio"  # the connection that always exists
TRAINING_KIND: Final = "openai"  # the kind of client that talks to the models of training services
ADDRESS_CHANGED: Final = "The address changed, and the stored key was meant for the old one."


def kinds() -> tuple[ClientKind, ...]:
    """The kinds of connections, in the order of the screen."""
    return tuple(CLIENTS)


def list_connections() -> list[ConnectionRecord]:
    """Every connection; this studio's own models first, then the others by name."""
    with UnitOfWork(write=False) as uow:
        rows = uow.session.exec(select(LlmConnection).order_by(col(LlmConnection.name)))
        return [_builtin(), *map(_record, rows)]


def get(connection_id: str) -> ConnectionRecord:
    """One connection. Raises NotFound."""
    return _builtin() if connection_id == STUDIO else _record(row_of(connection_id))


def find(named: str) -> ConnectionRecord:
    """The connection with this id or name. Raises NotFound: names the ones that exist."""
    word = named.strip().casefold()
    listed = list_connections()
    found = next((record for record in listed if word in (record.id.casefold(), record.name.casefold())), None)
    if found is None:
        known = ", ".join(record.name for record in listed)
        raise NotFound(f"There is no connection {named!r}.", f"Choose one of: {known}.")
    return found


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
    training: str | None = None,
) -> ConnectionRecord:
    """Create a connection, or change the one with this id.

    Args:
        base_url: "" uses the default address of the kind.
        key: the key itself; None (and no key_env) keeps the stored one, "" removes it.
        key_env: the environment variable of this server that holds the key, instead of a key.
        prices, settings, training: None keeps the stored ones.
        training: the id of the service that trains there; "" for none.

    Raises:
        SettingsError: a value is missing or invalid; the address changed and no key was given; the variable holds a key
            for other hosts. Conflict: the name is taken. NotFound: no connection has this id.
    """
    if id == STUDIO:
        raise Conflict("The built-in connection cannot be changed.", "Create another one.")
    row = row_of(id) if id else LlmConnection(id=new_id("llm"), name="", kind=kind, training="")
    provider = client_kind(kind)
    service = training_service(row.training if training is None else training, kind)
    default = service.default_url if service else provider.default_url
    url = checked_url(base_url or default) if provider.needs_url else ""
    keys.check(key, key_env, url)
    keeps = bool(id) and key is None and not key_env
    if keeps and was_for_another(row, url, kind):
        raise SettingsError(ADDRESS_CHANGED, "Enter the key again, or leave it empty to use none.", field="key")
    row.name, row.kind, row.base_url = _name(name), kind, url
    row.prices = model_prices.checked(prices) if prices is not None else row.prices
    row.settings = checked_settings(settings) if settings is not None else row.settings
    row.training = service.id if service else ""
    row.updated_at = time.time()
    old_file = new_file = row.key_file
    if not keeps:
        new_file, row.key_env = (keys.write(key) if key else ""), key_env
    row.key_file = new_file
    try:
        with UnitOfWork() as uow:
            other = uow.session.exec(select(LlmConnection.id).where(LlmConnection.name == row.name)).first()
            if other not in (None, row.id):
                raise Conflict(f"A connection named “{row.name}” exists already.", "Choose another name.", field="name")
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
    """Delete a connection with its key, if it exists. Tasks that use it fail.

    Raises:
        Conflict: it is the built-in one, a job trains there, or agents use its models; names them.
    """
    if connection_id == STUDIO:
        raise Conflict("The built-in connection cannot be deleted.", "It needs no settings.")
    with UnitOfWork() as uow:
        row = uow.session.get(LlmConnection, connection_id)
        if row is None:
            return
        moving.check_unused(uow, {f"via:{row.id}": row.name})
        _check_no_jobs(uow, row)
        key_file = row.key_file
        uow.session.delete(row)
        uow.commit()
    keys.remove(key_file)


def _check_no_jobs(uow: UnitOfWork, row: LlmConnection) -> None:
    """Raise Conflict while a job trains there: it could no longer be followed or cancelled."""
    query = select(JOBS.c.name).join(TASKS, TASKS.c.id == JOBS.c.task_id).where(JOBS.c.connection_id == row.id)
    names = uow.execute(query.where(TASKS.c.state.in_((*WORKABLE, "paused")))).scalars().all()
    if names:
        listed = ", ".join(f"“{name}”" for name in names[:5])
        raise Conflict(f"“{row.name}” trains {listed}.", "Let it finish, or cancel it under Jobs.")


def was_for_another(row: LlmConnection, url: str, kind: str) -> bool:
    """Whether a connection has a key that was meant for another address than this one."""
    return bool(row.key_file or row.key_env) and (row.base_url, row.kind) != (url, kind)


def key_of(row: LlmConnection) -> str:
    """The key; "" if it has none.

    Raises:
        SettingsError: the variable is for other hosts.
        ProviderKeyMissing: it is not set, or the stored key was deleted.
    """
    return keys.from_environment(row.key_env, row.base_url) if row.key_env else keys.read(row.key_file)


def client_kind(kind: str) -> ClientKind:
    if kind not in CLIENTS:
        raise SettingsError(f"Unknown kind of connection: {kind!r}.", f"Choose one of {', '.join(CLIENTS.ids())}.")
    return CLIENTS.get(kind)


def services() -> tuple[HostedService, ...]:
    """The services that train, in the order of the screen."""
    return tuple(HOSTED_SERVICES)


def training_service(training: str, kind: str) -> HostedService | None:
    """The service of an id; None for "". Raises SettingsError of the field `training`."""
    if not training:
        return None
    if training not in HOSTED_SERVICES:
        known = ", ".join(HOSTED_SERVICES.ids())
        raise SettingsError(f"Unknown training service: {training!r}.", f"Choose one of {known}.", field="training")
    if kind != TRAINING_KIND:
        title = CLIENTS.get(TRAINING_KIND).title
        text = f"Only a connection of the kind {title} can train."
        raise SettingsError(text, f"Choose {title}, or let it train nowhere.", field="training")
    return HOSTED_SERVICES.get(training)


def _name(name: str) -> str:
    clean = name.strip()
    if not 1 <= len(clean) <= 80 or not clean.isprintable():
        raise SettingsError("A connection needs a name of 1 to 80 visible characters.", "Enter a name.", field="name")
    if clean == _builtin().name:
        raise Conflict(f"“{clean}” is the name of the built-in connection.", "Choose another name.", field="name")
    return clean


def checked_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    settings = arguments.mapping(settings, "settings")
    for key, low, high in (("timeout_s", 1, 3600), ("concurrency", 1, 16)):
        value = settings.get(key)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise SettingsError(f"{key} is {value!r}.", f"Choose {low} to {high}.", field=key)
        out[key] = value
    return out


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


def row_of(connection_id: str) -> LlmConnection:
    with UnitOfWork(write=False) as uow:
        row = uow.session.get(LlmConnection, connection_id)
        if row is not None:
            uow.session.expunge(row)
    if row is None:
        raise NotFound(f"There is no connection {connection_id!r}.", "Open Settings and choose or create one.")
    return row


def _record(row: LlmConnection) -> ConnectionRecord:
    values = row.model_dump(exclude={"key_file", "base_url"})
    url = row.base_url or CLIENTS.get(row.kind).default_url
    return ConnectionRecord(**values, base_url=url, key_hint=_hint(row), builtin=False)
