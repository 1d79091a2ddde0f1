"""Connections as services return them: frozen records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.models.llm import CLIENTS, ClientKind, prices
from core.models.llm.prices import Price
from core.training.providers.hosted import HostedBase, HostedService
from core.training.providers.hosted_services import HOSTED_SERVICES


@dataclass(frozen=True, slots=True)
class ConnectionRecord:
    """A connection. `key_hint` shows at most the last four characters of the key; or is "".

    `prices` is {model or "*": {"input", "output", "as_of"}} in US dollars per million tokens; `settings` holds
    `timeout_s` and `concurrency`. `training` is the id of the service that trains there, "" for none. The built-in
    connection (this studio) cannot be changed or deleted.
    """

    id: str
    name: str
    kind: str
    base_url: str
    key_env: str
    key_hint: str
    prices: Mapping[str, Any]
    settings: Mapping[str, Any]
    builtin: bool
    created_at: float
    updated_at: float
    training: str = ""

    @property
    def has_key(self) -> bool:
        return bool(self.key_hint)

    @property
    def client_kind(self) -> ClientKind:
        return CLIENTS.get(self.kind)

    @property
    def service(self) -> HostedService | None:
        """The service that trains there; None if the connection only answers."""
        return HOSTED_SERVICES.get(self.training) if self.training in HOSTED_SERVICES else None

    def price(self, model: str) -> Price | None:
        """The price of a model's tokens; None if unknown."""
        return prices.price_of(self.prices, model, is_local=self.client_kind.is_local)


@dataclass(frozen=True, slots=True)
class ConnectionTest:
    """The result of a test. `models` is empty if the endpoint has no list, `trainable` unless it trains.

    `field` (base_url, key, training) must be fixed.
    """

    ok: bool
    message: str
    remedy: str = ""
    models: tuple[str, ...] = field(default=())
    latency_ms: float = 0.0
    field: str = ""
    trainable: tuple[HostedBase, ...] = ()
