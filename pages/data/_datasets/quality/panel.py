"""The Quality tab: the score with its parts beside the worklist, charts below."""

from __future__ import annotations

import html

import streamlit as st

from core.services.data import quality, render_preview
from core.services.data.datasets import DatasetRecord
from core.services.data.quality import QualityReport, ScorePart
from core.services.platform import tasks
from pages.data._datasets.quality.meaning import by_meaning
from pages.data._datasets.quality.pictures import pictures
from pages.data._datasets.quality.worklist import worklist
from pages.ui import components
from pages.ui.dialogs import dialog
from pages.ui.format import ago, md, number, plural, sentence
from pages.ui.tasks.progress import ended_badly, follow


def panel(dataset: DatasetRecord) -> None:
    """Draw the tab."""
    report = _report(dataset)
    if report is None:
        return
    side, main = st.columns([4, 9], gap="medium")
    with side:
        components.heading("Score")
        _score(dataset, report)
    with main:
        worklist(dataset, report)
    components.section_gap()
    pictures(dataset)
    components.section_gap()
    by_meaning(dataset)


def _report(dataset: DatasetRecord) -> QualityReport | None:
    """The report of the current version; measured now when that is quick, otherwise on request in the background."""
    report = quality.report(dataset.version.id)
    again = st.session_state.get(_key(dataset))
    if report is not None:
        if again and follow(again).is_terminal:
            st.session_state.pop(_key(dataset))
        return report
    if quality.inspected_at_once(dataset.version):
        with st.spinner("Measuring the quality…"):
            return quality.compute(dataset.version.id)
    task_id = st.session_state.get(_key(dataset)) or _running(dataset)
    if task_id:
        task = follow(task_id)
        if task.state == "succeeded":
            st.session_state.pop(_key(dataset), None)
            return quality.report(dataset.version.id)
        ended_badly(task, "quality")
        return None
    if components.empty(
        "speed",
        "Not measured yet",
        f"{plural(dataset.examples, 'labeled example')} are checked for copies, contradictions, leakage, personal "
        "data and more, in the background.",
        "Measure the quality",
        "quality",
        primary=False,
    ):
        _start(dataset)
    return None


def _running(dataset: DatasetRecord) -> str | None:
    """The id of a running measurement of this version that was started after an edit or in another window."""
    measured = tasks.list_about("quality", version_id=dataset.version.id)
    return next((task.id for task in measured if not task.is_terminal), None)


def _start(dataset: DatasetRecord, length: int | None = None, base_model: str | None = None) -> None:
    more = {} if length is None else {"max_seq_length": length}
    task = quality.start(dataset.id, base_model=base_model, **more)
    st.session_state[_key(dataset)] = task.id
    st.rerun()


def _key(dataset: DatasetRecord) -> str:
    return f"measuring_{dataset.version.id}"


def _score(dataset: DatasetRecord, report: QualityReport) -> None:
    color = tone(report.score)
    with st.container(border=True, gap="small", key="score"):
        st.html(
            f'<div class="dial dial-{color}" style="--share:{report.score}" role="img" '
            f'aria-label="Quality {report.score} of 100"><b>{report.score}</b><small>of 100</small></div>'
        )
        st.markdown(f"**{sentence(report.grade)}**", text_alignment="center")
        st.html("".join(_part(part) for part in report.parts))
        for note in report.notes:
            st.caption(f":material/info: {sentence(note)}")
        counted = md(report.base_model) or "estimated tokens (characters / 4)"
        st.caption(f"Measured {ago(report.computed_at)} · maximum length {number(report.max_seq_length)} in {counted}")
        if st.button("Measure again", icon=":material/refresh:", type="tertiary", key="measure_again"):
            _measure_again(dataset, report)


@dialog("Measure again", icon=":material/speed:")
def _measure_again(dataset: DatasetRecord, report: QualityReport) -> None:
    st.caption("Length is counted in tokens, and tokens depend on the base model.")
    titles: dict[str | None, str] = {None: "None (estimate: characters / 4)"}
    titles |= {base.id: base.title for base in render_preview.bases()}
    chosen = components.pick("Base model", titles, "measure_base")
    length = st.number_input(
        "Maximum length (tokens)",
        16,
        1_000_000,
        report.max_seq_length,
        help="Training cuts longer examples; choose the value that the job will use.",
        key="measure_length",
    )
    if not st.button("Measure", type="primary", width="stretch", key="measure_now"):
        return
    if quality.inspected_at_once(dataset.version):
        with st.spinner("Measuring the quality…"):
            quality.compute(dataset.version.id, max_seq_length=int(length), base_model=chosen)
        st.rerun()
    _start(dataset, int(length), chosen)


def _part(part: ScorePart) -> str:
    """One part of the score as HTML: title, points, bar and reason; without a figure where its check could not run."""
    share = 100 * part.points / part.of if part.of else 0.0
    points = f"{part.points:.0f}" if part.points == int(part.points) else f"{part.points:.1f}"
    figure = f"{points} / {part.of}" if part.of else "not counted"
    return (
        f'<div class="score-part" title="{html.escape(part.text, quote=True)}">'
        f"<span>{html.escape(part.title)}</span><b>{figure}</b>"
        f'<i><u class="dial-{tone(share)}" style="width:{share:.0f}%"></u></i>'
        f"<p>{html.escape(part.text)}</p></div>"
    )


def tone(score: float) -> str:
    """The name of the color for a score: good, fair or poor."""
    return "good" if score >= 85 else "fair" if score >= 60 else "poor"
