"""`/api/v1/spending`: what paid work costs, the budgets of a month, and the prices of hosted training."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Query
from pydantic import BaseModel, Field

from api.platform.records import Shown, records
from api.platform.scopes import needs
from api.training.shapes import Csv
from core.services.platform import budgets, spending
from core.services.platform.api_keys import ADMIN, READ
from core.services.training import cost

router: Final = records("/api/v1/spending", "Spending")
_READING: Final = [needs(READ)]
_CHANGING: Final = [needs(ADMIN)]
Month = Annotated[str, Query(max_length=7, description="YYYY-MM (UTC); empty: the present one; `all`: everything")]


class PaidWorkShown(Shown):
    """One piece of paid work. `what_id` is its task; `spent_usd` is null until it has ended."""

    id: str
    kind: str
    what_id: str
    title: str
    provider: str
    person: str
    low_usd: float | None
    amount_usd: float
    spent_usd: float | None
    state: str = Field(description="open, settled, or released (it ended without success)")
    override_reason: str
    created_at: float
    closed_at: float | None


class SpendingRowShown(Shown):
    """The sums of one day, provider, person or kind, in US dollars."""

    key: str
    works: int
    spent_usd: float
    reserved_usd: float


class SpendingShown(BaseModel):
    """Paid work of a month, and its sums."""

    spent_usd: float
    reserved_usd: float
    by: dict[str, list[SpendingRowShown]] = Field(description="by day, provider, person and kind")
    works: list[PaidWorkShown]


class BudgetShown(Shown):
    """A budget in the present month (UTC), in US dollars. `limit_usd` null: no limit."""

    kind: str
    limit_usd: float | None
    spent_usd: float
    reserved_usd: float
    state: str = Field(description="none, ok, warning (from 80 %), or reached")


class BudgetChange(BaseModel):
    """The limit of a calendar month; null removes it."""

    limit_usd: float | None = Field(ge=0)


class PriceShown(Shown):
    """A price that a person entered, in US dollars for 1,000,000 training tokens."""

    id: str
    connection_id: str
    connection: str
    base_model: str
    usd: float
    as_of: str
    person: str


class PublishedShown(Shown):
    """A price that a service publishes."""

    service: str
    base_model: str
    usd: float
    as_of: str
    source: str


class PricesShown(BaseModel):
    """The prices of hosted training: those that people entered come first."""

    entered: list[PriceShown]
    published: list[PublishedShown]


class NewPrice(BaseModel):
    """The price of training a base model at a connection."""

    connection: str = Field(max_length=200, description="name or id")
    base_model: str = Field(max_length=300, description="its id at the service; `*`: every other one")
    usd: float = Field(ge=0, description="US dollars for 1,000,000 training tokens")
    as_of: str = Field(default="", max_length=10, description="YYYY-MM-DD; empty: today")


@router.get("", dependencies=_READING)
def read_spending(month: Month = "") -> SpendingShown:
    """Paid work that was started in a month, with sums by day, provider, person and kind."""
    found = spending.spending(month)
    return SpendingShown(
        spent_usd=found.spent_usd,
        reserved_usd=found.reserved_usd,
        by={name: [SpendingRowShown.of(row) for row in rows] for name, rows in found.by.items()},
        works=[PaidWorkShown.of(work) for work in found.works],
    )


@router.get("/works.csv", dependencies=_READING, response_class=Csv)
def read_csv(month: Month = "") -> Csv:
    """The same as CSV, one line for each piece of work."""
    return Csv(spending.spending_csv(spending.spending(month)))


@router.get("/budgets", dependencies=_READING)
def read_budgets() -> list[BudgetShown]:
    """The budgets of the studio and of each kind of paid work, as they are this month."""
    return [BudgetShown.of(budget) for budget in budgets.get_budgets()]


@router.put("/budgets/{kind}", dependencies=_CHANGING)
def change_budget(kind: str, asked: BudgetChange) -> BudgetShown:
    """Limit a calendar month (UTC): `studio`, `training`, `smart`, `judging` or `answers`."""
    return BudgetShown.of(budgets.set_budget(kind, asked.limit_usd))


@router.get("/prices", dependencies=_READING)
def read_prices() -> PricesShown:
    """The prices of hosted training."""
    entered = [PriceShown.of(price) for price in cost.entered()]
    return PricesShown(entered=entered, published=[PublishedShown.of(price) for price in cost.published_prices()])


@router.put("/prices", dependencies=_CHANGING)
def change_price(asked: NewPrice) -> PriceShown:
    """Enter a price, or change the one of this connection and base model."""
    return PriceShown.of(cost.save_price(asked.connection, asked.base_model, asked.usd, asked.as_of))


@router.delete("/prices/{price_id}", dependencies=_CHANGING, status_code=204)
def delete_price(price_id: str) -> None:
    """Remove an entered price: the published one applies again."""
    cost.delete_price(price_id)
