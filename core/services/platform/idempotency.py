"""A request that is sent twice with one key has one effect: the second gets the response to the first."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, select, update

from core.errors import Conflict
from core.platform.db.tables import API_REQUESTS
from core.platform.db.uow import UnitOfWork

KEPT_S: Final = 86_400.0
LOST_S: Final = 900.0  # a request without a response for this long has ended with its process


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """The response to the first request with a key."""

    status: int
    body: str


def begin(key: str, body_sha256: str) -> StoredResponse | None:
    """Note that a request is being answered; the response to an earlier one with the same key, or None.

    Raises:
        Conflict: the earlier one is still being answered, or had another body.
    """
    now = time.time()
    with UnitOfWork() as uow:
        uow.execute(
            delete(API_REQUESTS).where(
                (API_REQUESTS.c.created_at < now - KEPT_S)
                | ((API_REQUESTS.c.status == 0) & (API_REQUESTS.c.created_at < now - LOST_S))
            )
        )
        row = uow.execute(select(API_REQUESTS).where(API_REQUESTS.c.key == key)).first()
        if row is None:
            values = {"key": key, "body_sha256": body_sha256, "status": 0, "response": "", "created_at": now}
            uow.insert_new(API_REQUESTS, [values])
            uow.commit()
            return None
        uow.commit()
    if row.body_sha256 != body_sha256:
        text = "Another request with this Idempotency-Key had another body."
        raise Conflict(text, "Use a new key for another request.", field="Idempotency-Key")
    if not row.status:
        text = "A request with this Idempotency-Key is still being answered."
        raise Conflict(text, "Send it again in a moment.", field="Idempotency-Key")
    return StoredResponse(row.status, row.response)


def finish(key: str, status: int, body: str) -> None:
    """Store the response to a request."""
    with UnitOfWork() as uow:
        uow.execute(update(API_REQUESTS).where(API_REQUESTS.c.key == key).values(status=status, response=body))
        uow.commit()


def forget(key: str) -> None:
    """A request has failed: it may be sent again."""
    with UnitOfWork() as uow:
        uow.execute(delete(API_REQUESTS).where(API_REQUESTS.c.key == key))
        uow.commit()
