"""Whether something fits into the memory of this machine: one mark, red wherever it does not."""

from __future__ import annotations

from core.services.training.choices import BaseModelRef
from core.services.training.fitting import fit_of
from pages.ui.components import badge_md
from pages.ui.format import md
from pages.ui.theme import Color

# By the verdict of a forecast: words, color and icon.
VERDICTS: dict[str, tuple[str, Color, str]] = {
    "fits": ("fits", "green", "check_circle"),
    "tight": ("tight", "orange", "warning"),
    "too_large": ("does not fit", "red", "error"),
}


def fit_md(base: BaseModelRef, *, only_bad: bool = False) -> str:
    """The mark of a base model as a badge: *fits here*, *fits with QLoRA*, *too large here*; "" if its size is unknown.

    Args:
        only_bad: leave out the mark of a model that fits.
    """
    fit = fit_of(base)
    if fit is None or (only_bad and fit.verdict != "too_large"):
        return ""
    if fit.verdict == "too_large":
        return badge_md("too large here", "red", "error")
    if fit.verdict == "fits":
        return badge_md("fits here", "green", "check_circle")
    return badge_md(f"fits here with {md(fit.method)}", "green", "check_circle")


def memory_md(amount: str, verdict: str) -> str:
    """An amount of memory: red if it does not fit, orange if it is tight."""
    _, color, icon = VERDICTS[verdict]
    return amount if verdict == "fits" else f":{color}[:material/{icon}: {amount}]"
