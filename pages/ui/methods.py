"""Fine-tuning methods on the screens: each has its icon and its color wherever it is named."""

from __future__ import annotations

from core.services.training import choices
from pages.ui.format import md


def method_md(method_id: str, title: str = "") -> str:
    """A method in a line of markdown: its icon in its color, and its title.

    Args:
        title: for a method that this release no longer has.
    """
    if method_id not in choices.METHODS:
        return md(title or method_id)
    method = choices.METHODS.get(method_id)
    return f":{method.color}[{method.icon}] {md(method.title)}"
