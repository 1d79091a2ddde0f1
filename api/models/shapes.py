"""Base models and methods as the API shows them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from api.platform.records import Shown


class BaseModelShown(Shown):
    """A base model. One that is not ready says why, and what to do."""

    id: str
    title: str
    family: str
    text: str
    ready: bool
    reason: str
    command: str
    recommended: bool
    params: int
    license: str
    gated: bool
    revision: str


class MethodShown(BaseModel):
    """A fine-tuning method. `settings` is the JSON schema of its settings."""

    id: str
    title: str
    settings: dict[str, Any]
