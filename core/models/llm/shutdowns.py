"""When providers switch models off: the announced dates that are known here, and which models a date is for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final, Protocol, runtime_checkable

OPENAI: Final = "api.openai.com"
_PAGE: Final = "https://developers.openai.com/api/docs/deprecations"
_DATE: Final = re.compile(r"\d[\d-]*")  # of a dated release


@dataclass(frozen=True, slots=True)
class AnnouncedShutdown:
    """A model that its provider switches off. Dates are YYYY-MM-DD, "" where none was announced.

    `host` is that of the provider's API. From `jobs_end_on` on, no new fine-tuning job can be created. `source` is the
    public page that announces it, `seen_on` the day on which the page had this date.
    """

    host: str
    model: str
    shutdown_on: str
    jobs_end_on: str
    source: str
    seen_on: str


def _openai(seen_on: str, shutdown_on: str, *models: str, jobs_end_on: str = "") -> tuple[AnnouncedShutdown, ...]:
    return tuple(AnnouncedShutdown(OPENAI, model, shutdown_on, jobs_end_on, _PAGE, seen_on) for model in models)


# As quoted from the page on 15 October 2026 by importstatic.com ("Every OpenAI model shutdown date until January 2027")
# and on 28 October 2026 by dev.to/max_bob ("OpenAI API deprecations 2026-2027"), who compared it with `shutdown_date`
# of `GET /v1/models`. Other providers: Fireworks' list of models has its dates; Together's page of deprecations changes
# every few days and its API has none, so no date of them is copied here.
ANNOUNCED: Final = (
    *_openai("2026-10-15", "2026-10-23", "gpt-3.5-turbo", "gpt-4", "gpt-4-turbo", "gpt-4.1-nano"),
    *_openai("2026-10-15", "2026-10-23", "gpt-4o-2024-05-13", "o1", "o1-pro", "o3-mini", "o4-mini"),
    *_openai("2026-10-28", "2026-12-11", "gpt-5", "gpt-5-mini", "gpt-5-nano", "gpt-5-pro", "o3", "o3-pro"),
    *_openai("2026-10-28", "2027-01-14", "gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.1-mini", jobs_end_on="2027-01-06"),
    *_openai("2026-10-28", "2027-04-01", "gpt-5.1"),
)


@runtime_checkable
class Dated(Protocol):
    """A client whose list of models carries dates."""

    def shutdown_dates(self) -> dict[str, str]:
        """When models are switched off, YYYY-MM-DD by their names. Raises LlmError."""


def is_of(name: str, model: str) -> bool:
    """Whether a model is this one: itself, a dated release of it, or fine-tuned from it.

    `ft:gpt-4o-2024-08-06:acme::id` and `gpt-4o-2024-08-06` are of `gpt-4o`; `gpt-4o-mini` is another model.
    """
    base = name.removeprefix("ft:").split(":")[0] if name.startswith("ft:") else name
    return base == model or (base.startswith(f"{model}-") and _DATE.fullmatch(base[len(model) + 1 :]) is not None)


def valid_date(text: str) -> bool:
    """Whether a text is a date as YYYY-MM-DD."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
