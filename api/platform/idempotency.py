"""`Idempotency-Key`: a request that is sent twice with the same key has one effect."""

from __future__ import annotations

import hashlib
from typing import Annotated

from fastapi import Depends, Header, Request

from api.platform.scopes import caller_of


def _key(request: Request, idempotency_key: Annotated[str, Header(max_length=200)] = "") -> str | None:
    """The key of a request, separate for each API key and path; None where it has none."""
    if not idempotency_key:
        return None
    caller = caller_of(request)
    text = "\n".join((caller.id if caller else "", request.url.path, idempotency_key))
    return f"api:{hashlib.sha256(text.encode()).hexdigest()[:40]}"


IdempotencyKey = Annotated[str | None, Depends(_key)]
