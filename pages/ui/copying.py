"""A button that copies a text to the clipboard, without a round trip to the server (`studio.js` does it)."""

from __future__ import annotations

import html

import streamlit as st


def copy_button(text: str, what: str) -> None:
    """Copies `text` as it is; `what` names it for screen readers ("the answer")."""
    st.html(  # the text is an escaped attribute: it is copied, never shown
        f'<button type="button" class="copy-button" data-copy="{html.escape(text)}" '
        f'aria-label="Copy {html.escape(what)}"><span>Copy</span><span>Copied</span></button>',
        width="content",
    )
