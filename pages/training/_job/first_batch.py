"""The first batch of a job: the tokens that the model read first, and those it was trained to write."""

from __future__ import annotations

import streamlit as st

from core.services.training.jobs.first_batch import FirstBatch, TextSpan, first_batch
from pages.ui.escaping import escaped
from pages.ui.format import md, plural

_LEGEND = (("loss", "Trained on: counts toward the loss"), ("read", "Read as context"))


def section(job_id: str) -> None:
    """In a closed expander; nothing before the first step."""
    batch = first_batch(job_id)
    if batch is None:
        return
    with st.expander("First batch, as the model saw it", icon=":material/view_stream:", key="first_batch"):
        st.markdown(md(batch.summary))
        st.caption(
            "Examples are packed one after another; each attends only to itself, and its positions start at 0. Hover "
            "over a token for its position."
        )
        st.html(_markup(batch))
        if batch.left_out:
            st.caption(f"and {plural(batch.left_out, 'more token')} in this part of the step")


def _markup(batch: FirstBatch) -> str:
    legend = "".join(f'<span><i class="seen-{name}"></i>{words}</span>' for name, words in _LEGEND)
    rows = []
    for number, row in enumerate(batch.rows, start=1):
        examples = "".join(
            f'<div class="batch-example">{"".join(_span(piece, turn) for turn, piece in enumerate(example))}</div>'
            for example in row
        )
        title = f'<div class="batch-row-name">Row {number}</div>' if len(batch.rows) > 1 else ""
        rows.append(f'<div class="batch-row">{title}{examples}</div>')
    return f'<div class="seen-legend">{legend}</div><div class="seen" dir="auto">{"".join(rows)}</div>'


def _span(piece: TextSpan, turn: int) -> str:
    kind = "loss" if piece.learned else "read"
    names = f"seen-{kind} seen-{'odd' if turn % 2 else 'even'}"
    last = piece.position + piece.tokens - 1
    position = f"position {piece.position}" if piece.tokens == 1 else f"positions {piece.position} to {last}"
    text = escaped(piece.text).replace("\n", "↵\n").replace("\t", "→\t")
    return f'<span class="{names}" title="{position}">{text}</span>'
