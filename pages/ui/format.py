"""Numbers, sizes and times for people. Text from outside: `pages.ui.escaping`, whose functions are here too."""

from __future__ import annotations

import time

from core.text import (  # offered here too
    clock as clock,
    day as day,
    duration as duration,
    format_loss as format_loss,
    moment as moment,
    number as number,
    percent as percent,
    plural as plural,
    range_usd as range_usd,
    size as size,
    time_range as time_range,
    usd as usd,
)
from pages.ui.escaping import (
    md as md,
    md_code as md_code,
    md_keep as md_keep,
    sentence as sentence,
)

_EXACT_S = 2 * 3600  # from then on, the minutes of a time that is over say nothing


def set_apart(validation: int, test: int) -> str:
    """`12 held out · 3 for testing`; blank where every example is for training."""
    parts = [(validation, "held out"), (test, "for testing")]
    return " · ".join(f"{count:,} {word}" for count, word in parts if count)


def short(text: str, limit: int) -> str:
    """At most `limit` characters; longer text ends in an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def ago(at: float | None) -> str:
    """A time in Unix seconds, relative to now: `just now`, `12 min ago`, `7 h ago`, `3 June`."""
    if at is None:
        return "–"
    seconds = time.time() - at
    if seconds < 10:
        return "just now"
    if seconds < 86_400:
        return f"{duration(seconds if seconds < _EXACT_S else seconds // 3600 * 3600)} ago"
    return day(at) if seconds > 7 * 86_400 else f"{plural(int(seconds // 86_400), 'day')} ago"


def format_setting(raw: object) -> str:
    """The value of a setting in words: `0.002`, `2e-05`, `yes`, `cosine`."""
    if isinstance(raw, bool):
        return "yes" if raw else "no"
    if isinstance(raw, float):
        return f"{raw:g}"
    if isinstance(raw, list | tuple):
        return ", ".join(format_setting(item) for item in raw) or "none"
    return "–" if raw is None else str(raw)
