"""Days on the command line, as moments: `--from 2026-11-01 --to 2026-11-30` has both days in full, in local time."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from core.errors import SettingsError


def beginning_of(typed: str, option: str) -> float | None:
    """Unix seconds of the day's first moment; None for "". Raises SettingsError."""
    return None if not typed else _midnight(_day(typed, option))


def end_of(typed: str, option: str) -> float | None:
    """Unix seconds of the next day's first moment; None for "". Raises SettingsError."""
    return None if not typed else _midnight(_day(typed, option) + timedelta(days=1))


def _day(typed: str, option: str) -> date:
    try:
        found = date.fromisoformat(typed.strip())
        _midnight(found + timedelta(days=1))
    except (ValueError, OverflowError, OSError):
        raise SettingsError(f"{option} {typed}: not a date.", "Write it as YYYY-MM-DD, such as 2026-11-30.") from None
    return found


def _midnight(day: date) -> float:
    return datetime.combine(day, time()).timestamp()
