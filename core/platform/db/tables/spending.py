"""Tables of what paid work may cost and has cost: budgets, reservations, prices that people entered."""

from __future__ import annotations

import time

from sqlalchemy import Index, UniqueConstraint, text as sql
from sqlmodel import Field, SQLModel

from core.platform.db.tables.columns import big, text


class BudgetLimit(SQLModel, table=True):
    """The limit of a calendar month (UTC), for the studio or a kind of paid work. Its row is locked to reserve."""

    __tablename__ = "budgets"
    kind: str = Field(primary_key=True)  # studio | training | smart | judging
    limit_micros: int | None = big(default=None)  # millionths of a US dollar; None: no limit
    warned: str = ""  # the last notice: 2026-11:warning, 2026-11:reached
    changed_by: str = ""
    changed_at: float = 0.0


class BudgetReservation(SQLModel, table=True):
    """What one piece of paid work may cost, and in the end has cost."""

    __tablename__ = "budget_reservations"
    __table_args__ = (
        Index(
            "ix_budget_reservations_open",
            "what_id",
            unique=True,
            sqlite_where=sql("state = 'open'"),
            postgresql_where=sql("state = 'open'"),
        ),
    )
    id: str = Field(primary_key=True)
    kind: str  # training | smart | judging | answers
    what_id: str = Field(index=True)  # a task, or a job
    title: str = text()
    provider: str = ""
    person: str = ""
    low_micros: int | None = big(default=None)  # the lower end of the estimate
    amount_micros: int = big()  # the upper end of the estimate
    spent_micros: int | None = big(default=None)  # the bill
    state: str = Field(default="open", index=True)  # open | settled | released
    override_reason: str = text()
    created_at: float = Field(default_factory=time.time, index=True)
    closed_at: float | None = None


class TrainingPrice(SQLModel, table=True):
    """What a hosted service charges for training, as a person entered it."""

    __tablename__ = "training_prices"
    __table_args__ = (UniqueConstraint("connection_id", "base_model"),)
    id: str = Field(primary_key=True)
    connection_id: str
    base_model: str  # its id at the service; "*" for every other one
    usd: float  # for 1,000,000 training tokens
    as_of: str  # YYYY-MM-DD
    person: str = ""
    changed_at: float = Field(default_factory=time.time)
