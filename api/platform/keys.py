"""`/api/v1/keys`: the keys of this API."""

from __future__ import annotations

from typing import Final

from fastapi import Response

from api.platform.idempotency import NOT_STORED
from api.platform.records import records
from api.platform.scopes import needs
from api.platform.shapes import CreatedKey, KeyShown, NewKey, Recording
from core.services.platform import api_keys
from core.services.platform.api_keys import ADMIN

router: Final = records("/api/v1/keys", "API keys", dependencies=[needs(ADMIN)])


@router.get("")
def list_keys() -> list[KeyShown]:
    """The keys that are not revoked, the newest first."""
    return [KeyShown.of(key) for key in api_keys.list_keys()]


@router.post("", status_code=201)
def create_key(asked: NewKey, response: Response) -> CreatedKey:
    """Create a key; its text is shown this once."""
    response.headers.update(NOT_STORED)
    made = api_keys.create(name=asked.name, scopes=asked.scopes, days=asked.days)
    return CreatedKey(key=made.key, record=KeyShown.of(made.record))


@router.put("/{key_id}/recording")
def record(key_id: str, asked: Recording) -> KeyShown:
    """Store the conversations of a key's programs, or no longer."""
    return KeyShown.of(api_keys.set_recording(key_id, days=asked.days, redact=asked.redact))


@router.delete("/{key_id}")
def revoke_key(key_id: str) -> KeyShown:
    """Refuse a key from now on."""
    return KeyShown.of(api_keys.revoke(api_keys.find(key_id).id))
