"""The prices of hosted training: what people entered for a connection comes before what the service publishes."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Final

from sqlalchemy import delete, select

from core.errors import NotFound, SettingsError
from core.ids import new_id
from core.platform.budgets.acting import actor
from core.platform.db.tables import TRAINING_PRICES
from core.platform.db.uow import UnitOfWork, read
from core.services.platform import connections
from core.training.prices import PUBLISHED, PublishedPrice, published

ANY_BASE: Final = "*"
MOST_USD: Final = 100_000.0  # for a million tokens; more is a typo
LONGEST_BASE: Final = 300
_wrong = partial(SettingsError, field="price")


@dataclass(frozen=True, slots=True)
class EnteredPrice:
    """A price as a person entered it: US dollars for 1,000,000 training tokens of a base at a connection."""

    id: str
    connection_id: str
    connection: str
    base_model: str
    usd: float
    as_of: str
    person: str
    changed_at: float


def entered() -> list[EnteredPrice]:
    """Every price that people entered, by connection and base."""
    names = {record.id: record.name for record in connections.list_connections()}
    rows = [row._mapping for row in read(select(TRAINING_PRICES))]
    found = [EnteredPrice(connection=names.get(row["connection_id"], "deleted"), **row) for row in rows]
    return sorted(found, key=lambda price: (price.connection.casefold(), price.base_model))


def published_prices() -> tuple[PublishedPrice, ...]:
    """The prices that services publish, with their dates."""
    return PUBLISHED


def price_of(connection_id: str, service: str, base_model: str, live_usd: float | None = None) -> PublishedPrice | None:
    """The price of training a base: as entered, else as the service says now, else as it published; None if unknown.

    Args:
        live_usd: what the service itself says for 1,000,000 tokens.
    """
    rows = read(select(TRAINING_PRICES).where(TRAINING_PRICES.c.connection_id == connection_id))
    own = {row.base_model: row for row in rows}
    row = own.get(base_model) or own.get(ANY_BASE)
    if row is not None:
        return PublishedPrice(service, row.base_model, row.usd, row.as_of, "entered by a person")
    if live_usd is not None:
        return PublishedPrice(service, base_model, live_usd, _today(), "the service's own list")
    return published(service, base_model)


def save_price(
    connection: str, base_model: str, usd: float, as_of: str = "", person: str | None = None
) -> EnteredPrice:
    """Enter the price of a base at a connection; `*` is every base without a price there.

    Args:
        connection: its name or id.
        as_of: YYYY-MM-DD; "" for today.

    Raises:
        NotFound: no such connection. SettingsError: the price, the day or the base is invalid.
    """
    record = connections.find(connection)
    base = " ".join(base_model.split())
    if not base or len(base) > LONGEST_BASE or not base.isprintable():
        raise _wrong("A price needs the id of a base model.", "Enter * for every other base.")
    if isinstance(usd, bool) or not math.isfinite(usd) or not 0 <= usd <= MOST_USD:
        raise _wrong(f"A price must be 0 to {MOST_USD:,.0f} US dollars; got {usd:g}.", "Enter it per million tokens.")
    row = {
        "id": new_id("price"), "connection_id": record.id, "base_model": base, "usd": float(usd),
        "as_of": _day(as_of), "person": actor().person if person is None else person, "changed_at": time.time(),
    }  # fmt: skip
    same = (TRAINING_PRICES.c.connection_id == record.id) & (TRAINING_PRICES.c.base_model == base)
    with UnitOfWork() as uow:
        uow.execute(delete(TRAINING_PRICES).where(same))
        uow.execute(TRAINING_PRICES.insert(), [row])
        uow.commit()
    return next(price for price in entered() if price.id == row["id"])


def delete_price(price_id: str) -> None:
    """Remove an entered price: what the service publishes applies again. Raises NotFound."""
    with UnitOfWork() as uow:
        if not uow.execute(delete(TRAINING_PRICES).where(TRAINING_PRICES.c.id == price_id)).rowcount:
            raise NotFound(f"There is no price {price_id!r}.", "It may have been changed; reload.")
        uow.commit()


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def _day(given: str) -> str:
    if not given:
        return _today()
    try:
        return date.fromisoformat(given).isoformat()
    except ValueError:
        raise _wrong(f"The day {given!r} is not a date.", "Write it as YYYY-MM-DD.") from None
