"""API keys in tests: Argon2 with its least cost, where the cost itself is not what is tested."""

from __future__ import annotations

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from core.services.platform.api_keys import checking, store


def cheap_hashes(patch: pytest.MonkeyPatch) -> PasswordHash:
    """Let keys be hashed quickly; returns what hashes them."""
    cheap = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
    patch.setattr(store, "hasher", lambda: cheap)
    patch.setattr(checking, "hasher", lambda: cheap)
    return cheap
