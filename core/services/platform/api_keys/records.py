"""Frozen records of API keys, and what a key may do."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

READ: Final = "read"
DATA: Final = "data"
TRAIN: Final = "train"
SERVE: Final = "serve"
ADMIN: Final = "admin"
# What a key may do, as the screen lists it.
SCOPES: Final[Mapping[str, str]] = {
    READ: "List and read datasets, jobs, models and files",
    DATA: "Upload files, create and change datasets",
    TRAIN: "Create jobs and act on them",
    SERVE: "Use models: chat and completions; deploy and archive them",
    ADMIN: "Everything, API keys included",
}


@dataclass(frozen=True, slots=True)
class ApiKeyRecord:
    """A key without its secret. `prefix` is its beginning, by which a user recognizes it. `*_at` are Unix seconds.

    `record_days`: for how many days the conversations of its programs are stored; 0: they are not. `redact`: personal
    data and secrets are replaced before.
    """

    id: str
    name: str
    prefix: str
    scopes: tuple[str, ...]
    record_days: int
    redact: bool
    expires_at: float | None
    last_used_at: float | None
    revoked_at: float | None
    created_at: float

    @property
    def state(self) -> str:
        """active, expired or revoked."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= time.time() else "active"

    def may(self, *scopes: str) -> bool:
        """Whether it has one of these scopes."""
        return ADMIN in self.scopes or any(scope in self.scopes for scope in scopes)


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key that was just created; `key` is the only copy of its text."""

    record: ApiKeyRecord
    key: str
