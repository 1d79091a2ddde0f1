"""A screen that shows each text of `MARKUP` in every kind of element; Streamlit runs it in a test."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pages.ui import charts
from pages.ui.escaping import md, md_answer, md_code, sentence
from tests.support.markup import CONFUSING, MARKUP

DRAW: dict[str, Callable[[str, str], object]] = {
    "markdown": lambda text, key: st.markdown(md(text)),
    "bold": lambda text, key: st.markdown(f"**{md(text) or 'empty'}** :gray[{md(text)}]"),
    "caption": lambda text, key: st.caption(md(text)),
    "write": lambda text, key: st.write(md(text)),
    "sentence": lambda text, key: st.markdown(sentence(text.replace("`", "'"))),
    "code": lambda text, key: st.markdown(md_code(text)),
    "button": lambda text, key: st.button(md(text) or "empty", key=f"button_of_{key}"),
    "checkbox": lambda text, key: st.checkbox(md(text) or "empty", key=f"checkbox_of_{key}"),
    "metric": lambda text, key: st.metric(md(text) or "empty", "1"),
    "error": lambda text, key: st.error(md(text) or "empty"),
    "answer": lambda text, key: st.markdown(md_answer(text)),
}
for number, text in enumerate(MARKUP):
    for kind, draw in DRAW.items():
        with st.container(key=f"{kind}_{number}"):
            draw(text, f"{kind}_{number}")
for number, text in enumerate(CONFUSING):
    with st.container(key=f"confusing_{number}"):
        st.markdown(md_answer(text))
with st.container(key="charts"):
    names = [" ".join(text.split()) or "empty" for text in MARKUP]
    charts.counts(names, [("", [1] * len(names), charts.TUNED)], key="chart", alt="x", height=30 * len(names))
st.markdown("The end", help="x")
