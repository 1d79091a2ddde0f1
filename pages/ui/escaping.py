"""Text of strangers shown so that it cannot play tricks: what is invisible or turns the direction is named instead."""

from __future__ import annotations

import html
import re

# Controls except tab and line break, zero-width and direction-changing characters, and half characters. U+200D joins
# emoji and U+200C letters of some scripts: both stay.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
    "\ud800-\udfff\ufff9-\ufffb\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    """The text with every such character as `⟨U+202E⟩`; for `st.text` and other places that take text verbatim."""
    return _HIDDEN.sub(lambda match: f"⟨U+{ord(match.group()):04X}⟩", text)


def escaped(text: str) -> str:
    """The same for `st.html`, where markup of the text must not become markup of the page."""
    return html.escape(visible(text))
