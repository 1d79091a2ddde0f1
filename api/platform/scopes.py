"""What the key of a request must be allowed to do: each route says it, and a test finds one that does not."""

from __future__ import annotations

from typing import Any

from fastapi import Depends, Request

from api.platform.entry import CALLER
from core.services.platform.api_keys import SCOPES, ApiKeyRecord


class ScopeMissing(Exception):
    """The key of a request is valid, and may not do this."""

    def __init__(self, key: ApiKeyRecord, scopes: tuple[str, ...]) -> None:
        super().__init__(key.prefix, scopes)
        self.key, self.scopes = key, scopes


class Needs:
    """A dependency: the key has one of these scopes, or none is needed."""

    def __init__(self, *scopes: str) -> None:
        assert scopes
        assert set(scopes) <= set(SCOPES)
        self.scopes = scopes

    def __call__(self, request: Request) -> None:
        key = caller_of(request)
        if key is not None and not key.may(*self.scopes):
            raise ScopeMissing(key, self.scopes)


def needs(*scopes: str) -> Any:
    """For the `dependencies` of a route."""
    return Depends(Needs(*scopes))


def caller_of(request: Request) -> ApiKeyRecord | None:
    """The key of a request; None where it needs none."""
    found: ApiKeyRecord | None = request.scope["state"][CALLER]
    return found


def name_of_caller(request: Request) -> str:
    """The name of the key of a request; "" where it needs none."""
    key = caller_of(request)
    return key.name if key else ""
