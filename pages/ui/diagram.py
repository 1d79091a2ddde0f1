"""Mermaid diagrams at reading size: the text is as large as on the page, and a wide diagram scrolls in its frame."""

from __future__ import annotations

from typing import Final

import streamlit as st

# Without `useMaxWidth` Mermaid shrinks a wide diagram, text included, until it is as wide as the page. The
# padding is wide because Mermaid measures the text in the page's font, which a picture cannot load: where the reader's
# own font is wider, longer lines would run over the edges of their boxes.
_INIT: Final = (
    '%%{init: {"flowchart": {"useMaxWidth": false, "nodeSpacing": 20, "rankSpacing": 28, "padding": 18}, '
    '"themeVariables": {"fontSize": "14px"}}}%%'
)


def diagram(source: str) -> None:
    """Draw a flowchart from its Mermaid source."""
    with st.container(key="diagram"):
        st.markdown(f"```mermaid\n{_INIT}\n{source}\n```")


def label(*parts: str) -> str:
    """The lines of a quoted label, without empty ones."""
    return "<br/>".join(_plain(part) for part in parts if part)


def _plain(text: str) -> str:
    """Text for a quoted label, with Mermaid entities for special characters."""
    out = []
    for character in " ".join(text.split()):
        plain = character.isalnum() or character in " .,:;_-–—→+/()%·“”’'?!"
        out.append(character if plain else f"#{ord(character)};")
    return "".join(out)
