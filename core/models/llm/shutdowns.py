"""When providers switch models off: the announced dates that are known here, and which models a date is for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final, Protocol, runtime_checkable

OPENAI: Final = "api.openai.com"
_SOURCE: Final = "https://platform.openai.com/docs/deprecations"
_SEEN: Final = "2026-11-30"
_DATE: Final = re.compile(r"\d[\d-]*")  # of a dated release


@dataclass(frozen=True, slots=True)
class AnnouncedShutdown:
    """A model that its provider switches off. Dates are YYYY-MM-DD, "" where none was announced.

    `host` is that of the provider's API. From `jobs_end_on` on, no new fine-tuning job can be created. `seen_on` is the
    day on which the source said so.
    """

    host: str
    model: str
    shutdown_on: str
    jobs_end_on: str = ""
    source: str = _SOURCE
    seen_on: str = _SEEN


ANNOUNCED: Final = (
    *(
        AnnouncedShutdown(OPENAI, model, "2027-01-14", "2027-01-06")
        for model in ("gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.1-mini")
    ),
    *(AnnouncedShutdown(OPENAI, model, "2026-10-23", "2026-10-23") for model in ("gpt-3.5-turbo", "gpt-4.1-nano")),
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
