"""Keys of the API: created, shown once, checked at every request, revoked."""

from __future__ import annotations

from core.services.platform.api_keys.checking import KeyRefused, check, is_here, is_required
from core.services.platform.api_keys.records import ADMIN, DATA, READ, SCOPES, SERVE, TRAIN, ApiKeyRecord, NewApiKey
from core.services.platform.api_keys.store import (
    LONGEST_RECORDED,
    START,
    create,
    find,
    list_keys,
    revoke,
    set_recording,
)
