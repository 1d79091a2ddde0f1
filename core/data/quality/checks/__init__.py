"""The checks of a quality report. A new check is a class under this package and a line in CHECKS."""

from __future__ import annotations

from collections.abc import Callable

from core.data.quality.checks.base import Case, Check, Measure, Progress, Settings
from core.data.quality.checks.copies import Copies
from core.data.quality.checks.languages import Languages
from core.data.quality.checks.sets import Contradictions, Labels, Lengths, SystemMessages, TooFew
from core.data.quality.checks.texts import Answers, Mojibake, Placeholders, Sensitive, SpecialTokens

CHECKS: dict[str, Callable[[Settings], Check]] = {
    "too_few": TooFew,
    "answers": lambda settings: Answers(),
    "placeholders": lambda settings: Placeholders(),
    "special_tokens": lambda settings: SpecialTokens(),
    "mojibake": lambda settings: Mojibake(),
    "sensitive": lambda settings: Sensitive(),
    "lengths": Lengths,
    "labels": Labels,
    "system": SystemMessages,
    "contradictions": Contradictions,
    "languages": Languages,
    "copies": Copies,
}

__all__ = ["CHECKS", "Case", "Check", "Copies", "Measure", "Progress", "Settings"]
