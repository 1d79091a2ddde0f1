"""Whether the API needs a key, and whether a given one is valid: a query per request, Argon2 only at the first.

Argon2 takes tens of milliseconds on purpose. What it has approved is remembered as a SHA-256 of the key beside the hash
in its row, so that a revoked, expired or replaced key is refused at its next request.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict, deque
from contextlib import suppress
from typing import Final

from sqlalchemy import select, update

from core.errors import DatabaseUnavailable, StudioError
from core.platform.db.tables import API_KEYS
from core.platform.db.uow import UnitOfWork, read
from core.platform.supervisor import is_loopback
from core.services.platform.api_keys.records import ApiKeyRecord
from core.services.platform.api_keys.store import START, hasher, record
from core.services.platform.sign_in import SignIn

REMEMBERED_S: Final = 300.0
MOST_REMEMBERED: Final = 1_000
NOTED_S: Final = 60.0  # `last_used_at` is written at most this often
MOST_WRONG, WRONG_S = 10, 60.0  # wrong secrets of one prefix in so many seconds
_MOST_PREFIXES: Final = 1_000
_PREFIX_LENGTH: Final = len(START) + 8


class KeyRefused(StudioError):
    """A key that is missing or not valid; `code` is a stable word."""

    def __init__(self, message: str, remedy: str = "", *, code: str = "invalid_api_key") -> None:
        super().__init__(message, remedy)
        self.code = code


_approved: OrderedDict[bytes, tuple[str, float]] = OrderedDict()  # SHA-256 of a key -> its Argon2 hash, until when
_wrong: OrderedDict[str, deque[float]] = OrderedDict()  # times of wrong secrets by prefix
_lock = threading.Lock()  # one Argon2 at a time: each takes 64 MB


def is_required(state: SignIn, address: str, host: str) -> bool:
    """Whether a request needs a key: away from loopback, where the web app needs sign-in, and once there is a key.

    Args:
        address: what the API listens on.
        host: the name by which the client reaches it.
    """
    if not is_here(state, address, host):
        return True
    return bool(read(select(API_KEYS.c.id).where(API_KEYS.c.revoked_at.is_(None)).limit(1)))


def is_here(state: SignIn, address: str, host: str) -> bool:
    """Whether a request comes from this machine, to a studio without sign-in. Arguments as `is_required`."""
    return not state.required and is_loopback(address) and is_loopback(host)


def check(key: str) -> ApiKeyRecord:
    """The record of a key. Raises KeyRefused."""
    prefix = key[:_PREFIX_LENGTH]
    rows = read(select(API_KEYS).where(API_KEYS.c.prefix == prefix)) if key.isascii() else []
    if not rows:
        raise _invalid()
    row = rows[0]._mapping
    _verify(key, prefix, row[API_KEYS.c.hash])
    found = record(row)
    if found.state != "active":
        raise KeyRefused(f"The API key {prefix}… was revoked." if found.revoked_at else f"The API key {prefix}… has "
                         "expired.", "Create another one on Settings.", code=f"{found.state}_api_key")  # fmt: skip
    _note_use(found)
    return found


def _verify(key: str, prefix: str, hashed: str) -> None:
    digest = hashlib.sha256(key.encode()).digest()
    known = _approved.get(digest)
    if known is not None and known[0] == hashed and known[1] > time.monotonic():
        return
    with _lock:
        now = time.monotonic()
        wrong = _wrong.get(prefix, deque())
        while wrong and wrong[0] < now - WRONG_S:
            wrong.popleft()
        if len(wrong) >= MOST_WRONG:
            text = f"Too many wrong keys beginning with {prefix}… were sent."
            raise KeyRefused(text, "Wait a minute, and check the key.", code="too_many_wrong_keys")
        if not hasher().verify(key, hashed):
            wrong.append(now)
            _wrong[prefix] = wrong
            while len(_wrong) > _MOST_PREFIXES:
                _wrong.popitem(last=False)
            raise _invalid()
        _approved[digest] = (hashed, now + REMEMBERED_S)
        while len(_approved) > MOST_REMEMBERED:
            _approved.popitem(last=False)


def _invalid() -> KeyRefused:
    return KeyRefused("The API key is not valid.", "Create one on Settings, or check what was sent.")


def _note_use(key: ApiKeyRecord) -> None:
    now = time.time()
    if key.last_used_at is not None and now - key.last_used_at < NOTED_S:
        return
    with suppress(DatabaseUnavailable), UnitOfWork() as uow:  # a busy database must not refuse a valid key
        uow.execute(update(API_KEYS).where(API_KEYS.c.id == key.id).values(last_used_at=now))
        uow.commit()
