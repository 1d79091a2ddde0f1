"""Lists in pages, read to a bound: a service that pages forever ends here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from core.models.llm.failures import LlmError
from core.training.providers.hosted_wire.client import Wire

MOST_PAGES: Final = 50
LATEST: Final = 32_503_680_000.0  # the year 3000


def entries(
    wire: Wire, path: str, *, limit: int | None = None, most_pages: int = MOST_PAGES, **params: Any
) -> Iterator[list[Any]]:
    """The pages of a list in OpenAI's shape: `{"data": [...], "has_more": true}`, continued after the last id.

    Args:
        limit: entries of a page; None where the list takes none.

    Raises:
        LlmError: the answer has another shape.
    """
    after = ""
    for _ in range(most_pages):
        page = wire.listing(path, limit=limit, after=after, **params)
        found = page.get("data") if isinstance(page, Mapping) else page  # Together answers with the list itself
        if not isinstance(found, list):
            raise LlmError("The service answers with JSON of another shape.", cause="not_json")
        yield [entry for entry in found if isinstance(entry, Mapping)]
        last = str(found[-1].get("id") or "") if found and isinstance(found[-1], Mapping) else ""
        if not (isinstance(page, Mapping) and page.get("has_more")) or not last or last == after:
            return
        after = last


def listed(value: Any) -> list[Any]:
    """A list of an answer; [] where it is missing or something else."""
    return value if isinstance(value, list) else []


def mapped(value: Any) -> Mapping[str, Any]:
    """An object of an answer; {} where it is missing or something else."""
    return value if isinstance(value, Mapping) else {}


def epoch(value: Any) -> float:
    """A time as epoch seconds: a number, or text like `2026-11-30T18:00:00Z`; 0.0 where it is neither, or no time of
    this millennium, such as nanoseconds."""
    try:
        if isinstance(value, int | float):
            found = 0.0 if isinstance(value, bool) else float(value)
        else:
            found = datetime.fromisoformat(str(value).replace("Z", "+00:00")).timestamp()
    except (ValueError, OverflowError):
        return 0.0
    return found if 0 <= found < LATEST else 0.0
