"""Whether something works here, with the reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether something works, and the reason for either answer."""

    ok: bool
    reason: str
