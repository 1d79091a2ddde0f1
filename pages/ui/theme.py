"""The colors of the studio, each defined once with its light and its dark value.

`python -m pages.ui.theme` writes them into `.streamlit/config.toml` (Streamlit's theme) and `palette.generated.css`
(CSS variables); a test compares both files with this one. A new color is one line of `PALETTE`; styles use it as
`var(--sft-NAME)`.

Gray is what there was before, the blue accent is what tuning changed. Green, orange and red report a state. The one
exception: each fine-tuning method has a color, which is in its own file (`core.models.methods`); violet and yellow have
no other use.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal

ROOT: Final = Path(__file__).parents[2]
CONFIG: Final = ROOT / ".streamlit" / "config.toml"
STYLES: Final = Path(__file__).parent / "palette.generated.css"

PALETTE: Final[dict[str, tuple[str, str]]] = {  # name: (light, dark)
    "page": ("#FFFFFF", "#121316"),
    "panel": ("#F4F4F1", "#1D1F23"),
    "rail": ("#F7F7F4", "#18191D"),
    "rail-field": ("#EBEBE6", "#25272C"),
    "text": ("#16171B", "#ECECE8"),
    "quiet": ("#55575F", "#B4B6BE"),
    "ink": ("#5C5E66", "#B4B6BE"),  # axes and table headers
    "border": ("#DFDFD9", "#2F3137"),
    "track": ("#E4E4DE", "#2F3137"),  # the empty part of a bar
    "fill": ("#2A56D6", "#4169E6"),  # primary buttons: white text on it needs 4.5:1 in both modes
    "on-fill": ("#FFFFFF", "#FFFFFF"),
    "accent-text": ("#2348B0", "#A9BEFF"),
    "accent-soft": ("#7F9BEA", "#4A5FA8"),
    "gray": ("#85888F", "#868993"),
    "gray-soft": ("#B9BBC1", "#55585F"),
    "gray-tint": ("#EFEFEB", "#26282D"),
    "green": ("#1B7F4B", "#4FC488"),
    "green-text": ("#14613A", "#7FD9A8"),
    "green-tint": ("#E6F4EB", "#15301F"),
    "green-mark": ("#CDEBD8", "#1E4D31"),  # behind words of a text
    "orange": ("#B45F06", "#E5A04B"),
    "orange-text": ("#8A4A05", "#EDB46B"),
    "orange-tint": ("#FBF0DF", "#33250F"),
    "orange-mark": ("#FBE3B8", "#5A3F12"),
    "red": ("#C2332D", "#F0716A"),
    "red-text": ("#A12620", "#F79A94"),
    "red-tint": ("#FBEAE8", "#3A1B1A"),
    "red-mark": ("#F8D9D6", "#5A2522"),
    "violet": ("#7048B6", "#B197F0"),
    "violet-text": ("#553391", "#C9B6F7"),
    "violet-tint": ("#F1ECFB", "#291F45"),
    "yellow": ("#7F7400", "#CDBE4B"),
    "yellow-text": ("#5C5400", "#DDD07A"),
    "yellow-tint": ("#F6F3D3", "#2B290F"),
    # The accent in ten steps, from the palest to the strongest; 7 is the accent itself.
    "accent-1": ("#EAEFFC", "#1B2547"),
    "accent-2": ("#D3DEF9", "#243262"),
    "accent-3": ("#B5C6F4", "#2E417F"),
    "accent-4": ("#94ADEE", "#38509D"),
    "accent-5": ("#7092E6", "#4460BD"),
    "accent-6": ("#4C75DE", "#5475DC"),
    "accent-7": ("#2A56D6", "#7D9CFF"),
    "accent-8": ("#2348B0", "#9DB5FF"),
    "accent-9": ("#1B398C", "#BCCDFF"),
    "accent-10": ("#142B69", "#DCE5FF"),
}

Color = Literal["red", "orange", "yellow", "blue", "green", "violet", "gray"]  # Streamlit's names, for badges and text

# The series of charts, in this order; `pages.ui.charts` gives the first eight their names.
SERIES: Final = (
    "accent-7",
    "gray",
    "green",
    "orange",
    "red",
    "accent-soft",
    "gray-soft",
    "ink",
    "green-text",
    "orange-text",
)
STEPS: Final = tuple(f"accent-{step}" for step in range(1, 11))

# Streamlit's name of a color: of the color itself, of text, and of a background.
_NAMED = {
    "blue": ("accent-7", "accent-text", "accent-1"),
    "green": ("green", "green-text", "green-tint"),
    "orange": ("orange", "orange-text", "orange-tint"),
    "yellow": ("yellow", "yellow-text", "yellow-tint"),
    "violet": ("violet", "violet-text", "violet-tint"),
    "red": ("red", "red-text", "red-tint"),
    "gray": ("gray", "quiet", "gray-tint"),
}
# Streamlit's option: the color it takes.
OPTIONS: Final = {
    "primaryColor": "fill",
    "backgroundColor": "page",
    "secondaryBackgroundColor": "panel",
    "textColor": "text",
    "linkColor": "accent-text",
    "borderColor": "border",
    "codeTextColor": "text",
    "codeBackgroundColor": "panel",
    "dataframeHeaderBackgroundColor": "rail",
    "dataframeHeaderTextColor": "ink",
} | {
    f"{name}{part}Color": color
    for name, colors in _NAMED.items()
    for part, color in zip(("", "Text", "Background"), colors, strict=True)
}
SIDEBAR: Final = {"backgroundColor": "rail", "secondaryBackgroundColor": "rail-field"}

MARKER: Final = "# The colors below are written by `python -m pages.ui.theme`; change them there.\n"


def config() -> str:
    """The complete `.streamlit/config.toml`: what is written by hand, then the colors."""
    by_hand = CONFIG.read_text(encoding="utf-8").partition(MARKER)[0]
    return by_hand + MARKER + "\n" + "\n".join(_block(mode, index) for index, mode in enumerate(("light", "dark")))


def styles() -> str:
    """The complete style sheet. `light-dark()` follows the color scheme that Streamlit sets for the active theme."""
    lines = [f"  --sft-{name}: light-dark({light}, {dark});" for name, (light, dark) in PALETTE.items()]
    return "/* Written by `python -m pages.ui.theme`; change the colors there. */\n" + "\n".join(
        [":root {", *lines, "}\n"]
    )


def _block(mode: str, index: int) -> str:
    def listed(names: Iterable[str]) -> str:
        return "[" + ", ".join(f'"{PALETTE[name][index]}"' for name in names) + "]"

    lines = [f"[theme.{mode}]", *(f'{option} = "{PALETTE[name][index]}"' for option, name in OPTIONS.items())]
    lines += [f"chartCategoricalColors = {listed(SERIES)}", f"chartSequentialColors = {listed(STEPS)}", ""]
    lines += [f"[theme.{mode}.sidebar]", *(f'{option} = "{PALETTE[name][index]}"' for option, name in SIDEBAR.items())]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write both files."""
    CONFIG.write_text(config(), encoding="utf-8")
    STYLES.write_text(styles(), encoding="utf-8")


if __name__ == "__main__":
    main()
