"""Times in many notations -> Unix seconds (UTC)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timezone
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.data.conversion.content.worded_times import worded
from core.errors import DataError

_NUMBER = re.compile(r"[+-]?\d{1,25}(?:\.\d{1,12})?")
_SLASHED = re.compile(r"(?<!\d)(\d{1,2})[./-](\d{1,2})[./-]\d{2,4}(?!\d)")
_EARLIEST, _LATEST = 0.0, 4_102_444_800.0  # 1970 to 2100: the plausible range for a chat
# The unit of a number depends on its size: seconds, milliseconds, microseconds or nanoseconds since 1970.
_UNITS = ((1e11, 1.0), (1e14, 1e3), (1e17, 1e6), (1e20, 1e9))


def zone(name: str) -> ZoneInfo:
    """A time zone by its name. Raises DataError if it is unknown."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise DataError(f"Unknown time zone: {name!r}.", "Use a name such as UTC.", field="zone") from error


def parse(value: Any, *, naive: ZoneInfo | timezone = UTC, day_first: bool = False) -> float | None:
    """Unix seconds of a number or text; None if it is not a time between 1970 and 2100.

    Args:
        naive: the time zone of texts without one.
        day_first: 03/04/2025 is the third of April.
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return _number(float(value)) if abs(value) < 1e20 else None
    if isinstance(value, datetime):
        return _stamp(value, naive)
    text = str(value).strip()
    if _NUMBER.fullmatch(text):
        return _number(float(text))
    if (stamp := _iso(text, naive)) is not None:
        return stamp
    moment = worded(text, day_first)
    return None if moment is None else _stamp(moment, naive)


def day_comes_first(values: Iterable[str]) -> bool | None:
    """Whether the day comes before the month, as in 31/01/2025; None if the values do not show it."""
    for value in values:
        if found := _SLASHED.search(str(value)):
            first, second = int(found[1]), int(found[2])
            if first > 12 >= second:
                return True
            if second > 12 >= first:
                return False
    return None


def _number(value: float) -> float | None:
    if not math.isfinite(value) or value < 0:
        return None
    for below, unit in _UNITS:
        if value < below:
            return value / unit
    return None


def _iso(text: str, naive: ZoneInfo | timezone) -> float | None:
    if len(text) > 40 or not text[:4].isdigit():
        return None
    cleaned = text.removesuffix(" UTC").removesuffix("Z")
    has_zone = cleaned != text
    try:
        moment = datetime.fromisoformat(cleaned)
    except ValueError:
        return None
    if has_zone and moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return _stamp(moment, naive)


def _stamp(moment: datetime, naive: ZoneInfo | timezone) -> float | None:
    try:
        stamp = (moment if moment.tzinfo else moment.replace(tzinfo=naive)).timestamp()
    except (OverflowError, ValueError, OSError):
        return None
    return stamp if _EARLIEST <= stamp <= _LATEST else None
