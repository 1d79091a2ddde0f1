"""The first batch of a job: the very tokens that the model read first, and which of them it learnt to write."""

from __future__ import annotations

import streamlit as st

from core.services.training.jobs.first_batch import FirstBatch, TextSpan, first_batch
from pages.ui.escaping import escaped
from pages.ui.format import md, plural

_LEGEND = (("loss", "Learnt: loss falls here"), ("read", "Read, not learnt"))


def section(job_id: str) -> None:
    """Folded away until asked for; nothing before the first step."""
    found = first_batch(job_id)
    if found is None:
        return
    with st.expander("First batch, as the model read it", icon=":material/view_stream:", key="first_batch"):
        st.markdown(md(found.summary))
        st.caption(
            "Examples lie end to end; each sees itself alone, and its positions begin again at 0. Hover over a token "
            "for its position."
        )
        st.html(_markup(found))
        if found.left_out:
            st.caption(f"and {plural(found.left_out, 'more token')} in this part of the step")


def _markup(found: FirstBatch) -> str:
    legend = "".join(f'<span><i class="seen-{name}"></i>{words}</span>' for name, words in _LEGEND)
    rows = []
    for number, row in enumerate(found.rows, start=1):
        examples = "".join(
            f'<div class="batch-example">{"".join(_span(piece, turn) for turn, piece in enumerate(example))}</div>'
            for example in row
        )
        title = f'<div class="batch-row-name">Row {number}</div>' if len(found.rows) > 1 else ""
        rows.append(f'<div class="batch-row">{title}{examples}</div>')
    return f'<div class="seen-legend">{legend}</div><div class="seen" dir="auto">{"".join(rows)}</div>'


def _span(piece: TextSpan, turn: int) -> str:
    kind = "loss" if piece.learnt else "read"
    names = f"seen-{kind} seen-{'odd' if turn % 2 else 'even'}"
    last = piece.position + piece.tokens - 1
    told = f"position {piece.position}" if piece.tokens == 1 else f"positions {piece.position} to {last}"
    text = escaped(piece.text).replace("\n", "↵\n").replace("\t", "→\t")
    return f'<span class="{names}" title="{told}">{text}</span>'
