"""The rows of API keys. A key itself is never stored, only its Argon2 hash."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, select, update

from core.errors import Conflict, NotFound, SettingsError
from core.ids import new_id
from core.platform.db.tables import API_KEYS, CONVERSATIONS, ApiKey
from core.platform.db.uow import UnitOfWork, read
from core.services.platform.api_keys.records import SCOPES, ApiKeyRecord, NewApiKey

if TYPE_CHECKING:
    from pwdlib import PasswordHash

START: Final = "sft_"  # of every key, so that scanners of source code find one that was committed
MAX_NAME: Final = 80
LONGEST_DAYS: Final = 3_650
LONGEST_RECORDED: Final = 3_650
_ALPHABET: Final = "abcdefghijkmnpqrstuvwxyz23456789"
_VISIBLE, _SECRET = 8, 40  # characters; the secret has 200 bits


def create(*, name: str, scopes: Sequence[str], days: int | None = None) -> NewApiKey:
    """Create a key.

    Args:
        scopes: of SCOPES.
        days: until it expires; None: never.

    Raises:
        SettingsError: a value is missing or wrong.
    """
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        text = f"Unknown scope {unknown[0]!r}." if unknown else "A key needs at least one scope."
        raise SettingsError(text, f"Choose from: {', '.join(SCOPES)}.", field="scopes")
    if days is not None and not 1 <= days <= LONGEST_DAYS:
        text = f"A key can be valid for 1 to {LONGEST_DAYS:,} days; got {days:,}."
        raise SettingsError(text, "Leave it empty for a key that does not expire.", field="days")
    prefix = START + _random(_VISIBLE)
    key, now = f"{prefix}_{_random(_SECRET)}", time.time()
    row = ApiKey(
        id=new_id("key"),
        name=_name(name),
        prefix=prefix,
        hash=hasher().hash(key),
        scopes=[scope for scope in SCOPES if scope in scopes],
        expires_at=now + 86_400 * days if days else None,
        created_at=now,
    )
    with UnitOfWork() as uow:
        uow.session.add(row)
        uow.commit()
        return NewApiKey(find(row.id), key)


def list_keys(*, include_revoked: bool = False) -> list[ApiKeyRecord]:
    """The keys, newest first."""
    return _read(*([] if include_revoked else [API_KEYS.c.revoked_at.is_(None)]))


def find(id_name_or_prefix: str) -> ApiKeyRecord:
    """The key with this id or prefix, or the only one that is not revoked with this name.

    Raises:
        NotFound: it does not exist. Conflict: several have the name.
    """
    columns = (API_KEYS.c.id, API_KEYS.c.prefix)
    exact = _read(columns[0].in_([id_name_or_prefix]) | columns[1].in_([id_name_or_prefix]))
    found = exact or _read(API_KEYS.c.name == id_name_or_prefix, API_KEYS.c.revoked_at.is_(None))
    if not found:
        raise NotFound(f"The API key {id_name_or_prefix!r} does not exist.", "`sft keys` lists the keys.")
    if len(found) > 1:
        text = f"{len(found)} API keys are named {id_name_or_prefix!r}."
        raise Conflict(text, f"Use one of their ids: {', '.join(key.id for key in found)}.")
    return found[0]


def set_recording(key_id: str, *, days: int, redact: bool = True) -> ApiKeyRecord:
    """Store the conversations of a key's programs for so many days; 0: no longer. What was stored is kept as long.

    Raises:
        SettingsError: of the field `days`. NotFound.
    """
    if not 0 <= days <= LONGEST_RECORDED:
        text = f"Conversations can be kept for 1 to {LONGEST_RECORDED:,} days; got {days:,}."
        raise SettingsError(text, "0 records none.", field="days")
    found = find(key_id)
    with UnitOfWork() as uow:
        values = {"record_days": days, "redact": redact}
        uow.execute(update(API_KEYS).where(API_KEYS.c.id == found.id).values(**values))
        if days:
            kept = (CONVERSATIONS.c.key_id == found.id) & (CONVERSATIONS.c.origin == "api")
            until = CONVERSATIONS.c.updated_at + days * 86_400
            uow.execute(update(CONVERSATIONS).where(kept).values(expires_at=until))
        uow.commit()
    return find(found.id)


def revoke(key_id: str) -> ApiKeyRecord:
    """Refuse a key from now on. Raises NotFound."""
    with UnitOfWork() as uow:
        this = (API_KEYS.c.id == key_id) & API_KEYS.c.revoked_at.is_(None)
        uow.execute(update(API_KEYS).where(this).values(revoked_at=time.time()))
        uow.commit()
    return find(key_id)


@lru_cache(maxsize=1)
def hasher() -> PasswordHash:
    """Argon2, imported here because only keys need it."""
    from pwdlib import PasswordHash

    return PasswordHash.recommended()


def record(row: Any) -> ApiKeyRecord:
    """The record of a row with the columns of the table."""
    values = {column.name: row[column] for column in API_KEYS.columns if column.name != "hash"}
    return ApiKeyRecord(**{**values, "scopes": tuple(values["scopes"])})


def _read(*conditions: ColumnElement[bool]) -> list[ApiKeyRecord]:
    newest = select(API_KEYS).where(*conditions).order_by(API_KEYS.c.created_at.desc(), API_KEYS.c.id.desc())
    return [record(row._mapping) for row in read(newest)]


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _name(name: str) -> str:
    clean = " ".join(name.split())
    if not 1 <= len(clean) <= MAX_NAME or not clean.isprintable():
        text = f"An API key needs a name of 1 to {MAX_NAME} visible characters."
        raise SettingsError(text, "Name what uses it, such as “Support bot”.", field="name")
    return clean
