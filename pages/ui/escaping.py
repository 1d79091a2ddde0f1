"""Text from outside, shown safely: invisible and direction-changing characters are replaced by their code points."""

from __future__ import annotations

import html
import re

# Control characters except tab and line break, zero-width and direction-changing characters, lone surrogates.
# U+200D (joins emoji) and U+200C (needed by some scripts) are allowed.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
    "\ud800-\udfff\ufff9-\ufffb\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    """The text with each such character written as `⟨U+202E⟩`, for `st.text` and other verbatim output."""
    return _HIDDEN.sub(lambda match: f"⟨U+{ord(match.group()):04X}⟩", text)


def escaped(text: str) -> str:
    """The same with HTML escaped, for `st.html`."""
    return html.escape(visible(text))
