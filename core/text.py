"""Numbers, counts, sizes and durations in words: one definition for screens, errors, forecasts and the command line."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from typing import Final

CHARACTERS_PER_TOKEN: Final = 4  # Source: the usual estimate for English text where no tokenizer counts


def plural(count: int, one: str, many: str | None = None) -> str:
    """A count with its noun: `1 row`, `3,214 rows`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def slug(name: str) -> str:
    """A name for an address or a program: `Support – Starter (v1)` becomes `support-starter-v1`.

    Letters of any script remain; accents are removed.
    """
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", name) if not unicodedata.combining(sign))
    return re.sub(r"[^\w.]+", "-", plain.casefold()).strip("-.") or "model"


def labeled_examples(train: int, validation: int = 0, test: int = 0) -> str:
    """The size of a dataset with its parts: `114 labeled examples: 56 to train on, 58 held out`."""
    total = plural(train + validation + test, "labeled example")
    if not validation and not test:
        return total
    parts = ((train, "to train on"), (validation, "held out"), (test, "for testing"))
    return f"{total}: {', '.join(f'{count:,} {purpose}' for count, purpose in parts if count)}"


# What spreadsheets take for a formula, or drop and then take the rest for one; also typed in full width, as Japanese
# keyboards do. Source: OWASP, "CSV Injection".
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def spreadsheet_cell(value: object) -> object:
    """A value of a table for spreadsheets: an apostrophe before a text that would be a formula; numbers as they are."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def size(value: float | None) -> str:
    """Bytes in a readable unit, in powers of 1,024: `84.0 MB`, `1.9 GB`."""
    if value is None:
        return "–"
    amount = float(value)
    for unit in ("bytes", "KB", "MB", "GB"):
        if abs(amount) < 1024 or unit == "GB":
            break
        amount /= 1024
    if unit == "bytes":
        return plural(int(amount), "byte")
    return f"{amount:.0f} {unit}" if amount >= 100 else f"{amount:.1f} {unit}"


def too_large(what: str, limit: int, value: int | None = None) -> str:
    """The sentence for a file above the limit in bytes: "a.csv is too large (105 MB; the limit is 100 MB)."

    Args:
        value: bytes of the file; None where only so much is known that it is above the limit.
    """
    if value is None:
        return f"{what} is too large; the limit is {size(limit)} ({limit:,} bytes)."
    texts = (size(value), size(limit))
    if texts[0] == texts[1]:  # a file of 104,857,601 bytes has 100 MB, as the limit has
        texts = (f"{value:,} bytes", f"{limit:,} bytes")
    return f"{what} is too large ({texts[0]}; the limit is {texts[1]})."


def duration(seconds: float | None) -> str:
    """A duration in its two largest units: `8 s`, `4 min`, `1 h 20 min`."""
    if seconds is None:
        return "–"
    whole = max(0, round(seconds))
    if 0 < seconds < 0.05:
        return "under 0.1 s"
    if seconds < 10 and whole != seconds:
        return f"{seconds:.1f} s"
    if whole < 90:
        return f"{whole} s"
    minutes = round(whole / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} days"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def time_range(low: float, high: float) -> str:
    """An estimated time as a range in one unit: `36 to 42 min`."""
    unit, seconds, digits = ("s", 1, 0) if high < 120 else ("min", 60, 0) if high < 7200 else ("h", 3600, 1)
    first, last = f"{low / seconds:.{digits}f}", f"{high / seconds:.{digits}f}"
    return f"about {last} {unit}" if first == last else f"{first} to {last} {unit}"


def estimated_tokens(characters: int) -> int:
    """About how many tokens a text of so many characters has, rounded up."""
    return -(-characters // CHARACTERS_PER_TOKEN)


def number(value: float | None, digits: int = 3) -> str:
    """`12,480`, `0.58`, `2e-05`: whole numbers with separators, others with `digits` significant digits."""
    if value is None:
        return "–"
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def share(value: float | None) -> str:
    """A share of 0..1 as a percentage: `41.0%`."""
    return "–" if value is None else f"{100 * value:.1f}%" if value < 0.9995 else "100%"


def percent(share: float | None) -> str:
    """A share of one without decimals: `93%`."""
    return "–" if share is None else f"{100 * share:.0f}%"


def usd(amount: float | None) -> str:
    """`$0.42`, `$0.0031`, `$0`; a dash when no price is known."""
    if amount is None:
        return "–"
    if amount == 0:
        return "$0"
    return f"${amount:,.2f}" if amount >= 0.1 else f"${amount:.2g}" if amount >= 0.0001 else "under $0.0001"


def range_usd(low: float | None, high: float | None) -> str:
    """`$1.20 to $2.40`; one amount where both are the same to the cent, or only the upper end is known."""
    last = usd(high)
    first = last if low is None else usd(low)
    return first if first == last else f"{first} to {last}"


def format_loss(value: float | None) -> str:
    """A loss with three decimals, or two significant digits below 0.001."""
    if value is None:
        return "–"
    return f"{value:.3f}" if value >= 0.001 or value == 0 else f"{value:.1e}"


def day(at: float | None) -> str:
    """`3 June 2026`."""
    if at is None:
        return "–"
    moment = datetime.fromtimestamp(at)
    return f"{moment.day} {moment:%B %Y}"


def clock(at: float | None) -> str:
    """`14:58`, in the machine's time zone."""
    return "–" if at is None else f"{datetime.fromtimestamp(at):%H:%M}"


def moment(at: float | None) -> str:
    """`3 June 2026, 14:58`."""
    return "–" if at is None else f"{day(at)}, {clock(at)}"
