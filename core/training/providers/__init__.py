"""Where training runs: one file per provider, one line each in the registry below."""

from __future__ import annotations

from typing import Final

from core.errors import NotFound
from core.training.providers.base import Capabilities, Provider
from core.training.providers.local import Local

PROVIDERS: Final[dict[str, Provider]] = {}


def add(provider: Provider) -> None:
    """Put a provider into the registry. Raises ValueError when its id is there already."""
    if provider.id in PROVIDERS:
        raise ValueError(f"There are two providers with the id {provider.id!r}.")
    PROVIDERS[provider.id] = provider


add(Local())


def get_provider(provider_id: str) -> Provider:
    """The provider of an id. Raises NotFound with the ids that exist."""
    if provider_id not in PROVIDERS:
        raise NotFound(f"There is no provider {provider_id!r}.", f"Choose one of: {', '.join(PROVIDERS)}.")
    return PROVIDERS[provider_id]


__all__ = ["PROVIDERS", "Capabilities", "Provider", "add", "get_provider"]
