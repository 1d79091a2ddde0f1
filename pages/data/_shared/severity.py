"""How the severity of a finding or an issue looks."""

from __future__ import annotations

from pages.ui import components

_LOOKS = {
    "error": ("Error", "red", "error"),
    "warning": ("Warning", "orange", "warning"),
    "info": ("Note", "gray", "info"),
}


def severity_badge(severity: str) -> str:
    """A badge with the word, color and icon of a severity, as markdown."""
    word, color, icon = _LOOKS[severity]
    return components.badge_md(word, color, icon)
