"""One palette: the theme file, the CSS variables and the style sheets agree, and text can be read in both modes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pages.ui import theme

HEX = re.compile(r"#[0-9A-Fa-f]{6}\b")


def test_the_files_hold_what_the_palette_says() -> None:
    assert theme.CONFIG.read_text("utf-8") == theme.config(), "run: python -m pages.ui.theme"
    assert theme.STYLES.read_text("utf-8") == theme.styles(), "run: python -m pages.ui.theme"


def test_no_color_is_written_anywhere_else() -> None:
    files = [
        file
        for room in ("core", "pages")
        for file in (theme.ROOT / room).rglob("*.*")
        if file.suffix in (".css", ".py")
    ]
    with_colors = {file.relative_to(theme.ROOT).as_posix() for file in files if HEX.search(file.read_text("utf-8"))}
    assert with_colors == {"pages/ui/palette.generated.css", "pages/ui/theme.py"}


def test_each_variable_in_the_style_sheets_exists() -> None:
    used = set(re.findall(r"var\(--sft-([\w-]+)\)", (Path(theme.__file__).parent / "studio.css").read_text("utf-8")))
    assert used <= theme.PALETTE.keys()


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        ("text", "page"),
        ("text", "panel"),
        ("quiet", "page"),
        ("quiet", "panel"),
        ("ink", "rail"),
        ("on-fill", "fill"),
        ("accent-text", "page"),
        ("accent-text", "accent-1"),
        ("accent-9", "accent-2"),
        ("accent-9", "accent-3"),
        ("green-text", "green-tint"),
        ("orange-text", "orange-tint"),
        ("red-text", "red-tint"),
        ("text", "orange-mark"),
        ("text", "red-mark"),
        ("text", "green-mark"),
    ],
)
def test_text_has_enough_contrast(text: str, ground: str, mode: int) -> None:
    """4.5:1 for text. Source: WCAG 2.2, 1.4.3."""
    lighter, darker = sorted((luminance(theme.PALETTE[name][mode]) for name in (text, ground)), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5


def luminance(color: str) -> float:
    """Relative luminance, 0 to 1. Source: WCAG 2.2."""
    channels = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
