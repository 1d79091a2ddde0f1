"""Requests, latency, tokens, ratings, corrections and cost by model, agent and day."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import numpy as np
from sqlalchemy import Executable, select

from core.errors import Conflict, NotFound
from core.models.llm.prices import Price
from core.platform.db.tables import CORRECTIONS, FEEDBACK, TURNS
from core.platform.db.uow import read
from core.services.serving import agents, connected

FRESH_S: Final = 15  # the same figures are shown so long: a screen reads them in every run
DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class UsageRow:
    """The figures of one model, agent or day.

    Attributes:
        key: the id of the model or agent, or the day (YYYY-MM-DD).
        requests: answers that were asked for; `failed` of them ended in an error.
        median_s, p95_s: seconds to the end of a complete answer; None without one.
        good, bad: thumbs. stars: their mean, 1 to 5; None without one.
        cost_usd: of models behind a connection with prices; None where no request has a price.
    """

    key: str
    name: str
    requests: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    median_s: float | None = None
    p95_s: float | None = None
    good: int = 0
    bad: int = 0
    stars: float | None = None
    corrections: int = 0
    cost_usd: float | None = None

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    @property
    def approval(self) -> float | None:
        """The share of thumbs that point up; None without one."""
        return self.good / (self.good + self.bad) if self.good + self.bad else None


@dataclass(frozen=True, slots=True)
class UsageFigures:
    """All figures of a period; models and agents with the most requests first, days in order."""

    total: UsageRow
    models: tuple[UsageRow, ...]
    agents: tuple[UsageRow, ...]
    days: tuple[UsageRow, ...]


def usage(days: int | None = 30) -> UsageFigures:
    """The figures of the last days, today included; None: of all time."""
    return _usage(days, int(time.time() // FRESH_S))


@lru_cache(maxsize=8)
def _usage(days: int | None, moment: int) -> UsageFigures:
    since = 0.0 if days is None else _day_began(moment * FRESH_S) - (days - 1) * DAY_S
    answers, ratings, corrections = _answers(since), _ratings(since), _corrections(since)
    names = dict(zip(answers.columns["model"], answers.columns["name"], strict=True))

    tables = answers, ratings, corrections

    def rows(column: str) -> dict[str, UsageRow]:
        return _rows([table.columns[column] for table in tables], answers, ratings)

    total = _rows([[""] * len(table) for table in tables], answers, ratings)
    by_model, by_agent, by_day = rows("model"), rows("agent"), rows("day")
    by_agent.pop("", None)
    called = agents.names_of(list(by_agent))
    return UsageFigures(
        replace(total.get("", UsageRow("", "")), name="All"),
        _named(by_model, lambda key: names.get(key) or agents.model_title(key)),
        _named(by_agent, lambda key: called.get(key, "A deleted agent")),
        tuple(by_day[key] for key in sorted(by_day)),
    )


@dataclass(frozen=True, slots=True)
class _Table:
    """Rows of a query by column."""

    columns: dict[str, list[Any]]

    def __len__(self) -> int:
        return len(self.columns["day"])


def _answers(since: float) -> _Table:
    query = select(
        TURNS.c.model_id, TURNS.c.model_name, TURNS.c.agent_id, TURNS.c.created_at, TURNS.c.state, TURNS.c.seconds,
        TURNS.c.prompt_tokens, TURNS.c.completion_tokens,
    ).where(TURNS.c.role == "assistant", TURNS.c.created_at >= since, TURNS.c.state != "running")  # fmt: skip
    return _table(query, "model name agent at state seconds prompt completion")


def _ratings(since: float) -> _Table:
    query = select(
        FEEDBACK.c.model_id, FEEDBACK.c.agent_id, FEEDBACK.c.created_at, FEEDBACK.c.thumb, FEEDBACK.c.stars
    ).where(FEEDBACK.c.created_at >= since)
    return _table(query, "model agent at thumb stars")


def _corrections(since: float) -> _Table:
    query = select(CORRECTIONS.c.model_id, CORRECTIONS.c.agent_id, CORRECTIONS.c.created_at)
    return _table(query.where(CORRECTIONS.c.created_at >= since), "model agent at")


def _table(query: Executable, words: str) -> _Table:
    names = words.split()
    found = list(zip(*read(query), strict=True)) or [()] * len(names)
    columns = {name: list(values) for name, values in zip(names, found, strict=True)}
    return _Table({**columns, "day": _days(columns["at"])})


def _days(moments: Sequence[float]) -> list[str]:
    """The day of each moment in this machine's time zone, as YYYY-MM-DD."""
    numbers = ((np.asarray(moments, dtype=float) + _offset()) // DAY_S).astype(int)
    known = {int(number): f"{datetime.fromtimestamp(number * DAY_S, UTC):%Y-%m-%d}" for number in set(numbers.tolist())}
    return [known[number] for number in numbers.tolist()]


def _day_began(at: float) -> float:
    return (at + _offset()) // DAY_S * DAY_S - _offset()


def _offset() -> float:
    """Seconds from UTC to this machine's time zone now."""
    offset = datetime.now().astimezone().utcoffset()
    return offset.total_seconds() if offset else 0.0


def _rows(keys_of: Sequence[Sequence[str]], answers: _Table, ratings: _Table) -> dict[str, UsageRow]:
    """The figures of each key; `keys_of` are those of the rows of each table: answers, ratings, corrections."""
    code: dict[str, int] = {}
    at, rated, corrected = (
        np.array([code.setdefault(key, len(code)) for key in keys], dtype=np.intp) for keys in keys_of
    )

    def added(places: np.ndarray, values: Any = None) -> list[float]:
        weights = None if values is None else np.asarray(values, dtype=float)
        return np.bincount(places, weights, minlength=len(code)).tolist()  # type: ignore[no-any-return]

    states, thumbs = np.array(answers.columns["state"]), np.array(ratings.columns["thumb"], dtype=int)
    stars = np.array(ratings.columns["stars"], dtype=int)
    cost = np.array(_costs(answers), dtype=float)
    priced = ~np.isnan(cost)
    complete = states == "complete"
    seconds = _percentiles(at[complete], np.array(answers.columns["seconds"], dtype=float)[complete])
    sums = zip(
        code,
        added(at),
        added(at[states == "failed"]),
        added(at, answers.columns["prompt"]),
        added(at, answers.columns["completion"]),
        added(rated[thumbs > 0]),
        added(rated[thumbs < 0]),
        added(rated, stars),
        added(rated[stars > 0]),
        added(corrected),
        added(at[priced], cost[priced]),
        added(at[priced]),
        strict=True,
    )
    found = {}
    for key, asked, failed, prompt, completion, good, bad, given, starred, better, paid, charged in sums:
        median, p95 = seconds.get(code[key], (None, None))
        found[key] = UsageRow(
            key, key, int(asked), int(failed), int(prompt), int(completion), median, p95, int(good), int(bad),
            given / starred if starred else None, int(better), paid if charged else None,
        )  # fmt: skip
    return found


def _percentiles(codes: np.ndarray, seconds: np.ndarray) -> dict[int, tuple[float, float]]:
    """The median and the 95th percentile of the seconds of each code."""
    order = np.argsort(codes, kind="stable")
    present, starts = np.unique(codes[order], return_index=True)
    parts = np.split(seconds[order], starts[1:])
    found = ((int(one), np.percentile(part, [50, 95])) for one, part in zip(present, parts, strict=False))
    return {one: (float(median), float(p95)) for one, (median, p95) in found}


def _costs(answers: _Table) -> list[float]:
    """What each answer cost in US dollars; NaN where no price is known, or the studio itself answered."""
    columns = answers.columns
    prices = {model: _price(model) for model in set(columns["model"])}
    if not any(prices.values()):
        return [math.nan] * len(answers)
    return [
        math.nan if (price := prices[model]) is None else price.cost(prompt, completion)
        for model, prompt, completion in zip(columns["model"], columns["prompt"], columns["completion"], strict=True)
    ]


def _price(model_id: str) -> Price | None:
    try:
        return connected.price(model_id) if connected.at_service(model_id) else None
    except (Conflict, NotFound):
        return None


def _named(rows: Mapping[str, UsageRow], name: Callable[[str], str]) -> tuple[UsageRow, ...]:
    named = [replace(row, name=name(key)) for key, row in rows.items()]
    return tuple(sorted(named, key=lambda row: (-row.requests, row.name)))
