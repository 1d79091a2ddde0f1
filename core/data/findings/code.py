"""What a finding code is."""

from __future__ import annotations

from dataclasses import dataclass

from core.messages import Severity


@dataclass(frozen=True, slots=True)
class Code:
    """What a code means: its usual severity, its meaning, and what to do.

    `unreadable` marks the codes that, when no row could be read at all, mean "this file cannot be read" (exit code 2)
    rather than "this file was read and has faults" (exit code 1).
    """

    id: str
    severity: Severity
    meaning: str
    remedy: str
    unreadable: bool = False
