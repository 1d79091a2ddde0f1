"""The figures of an evaluation: one table, the radar of shares, and quality against latency."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.services.serving import evaluating
from core.services.serving.evaluating import SUITES, EvaluationRecord, ModelSummary, Summary
from pages.ui import components
from pages.ui.charts import BAD, BASE, BASE_SOFT, GOOD, INK, TUNED, TUNED_SOFT, WAIT
from pages.ui.charts.evaluation import confusion_matrix, quality_by_latency, radar
from pages.ui.format import md

_OTHERS = (TUNED, GOOD, WAIT, BAD, TUNED_SOFT, BASE_SOFT, INK)
_FEWEST_AXES = 3
_NOT_DRAWN = ("Field: ", "ROUGE-1", "ROUGE-2")  # other axes contain them


def show(evaluation: EvaluationRecord, summary: Summary) -> None:
    """All figures of all models."""
    components.section_gap()
    components.heading("Figures", f"{summary.models[0].answered:,} examples each" if summary.models else None)
    titles = {model.model_id: evaluation.title_of(model.model_id) for model in summary.models}
    st.dataframe(_table(evaluation, summary, titles), hide_index=True, height="content", key="evaluation_figures")
    for reason in summary.given_up:
        st.warning(md(reason), icon=":material/timer_off:")
    if summary.left_out:
        st.caption(f":material/info: {md(summary.left_out_text)}")
    _charts(evaluation, summary, titles)
    _matrix(evaluation, titles)


def colors(evaluation: EvaluationRecord) -> dict[str, str]:
    """Gray for the model that the others are compared with, or for the base; the others in the series' order."""
    gray = evaluation.settings.against or next((one.id for one in evaluation.models if one.kind == "base"), "")
    others = [model.id for model in evaluation.models if model.id != gray]
    return {gray: BASE} | {model: _OTHERS[number % len(_OTHERS)] for number, model in enumerate(others)}


def _table(evaluation: EvaluationRecord, summary: Summary, titles: dict[str, str]) -> pd.DataFrame:
    names = dict.fromkeys(score.title for model in summary.models for score in model.scores)
    rows: list[list[str]] = []
    for name in names:
        found = ({score.title: score.text for score in model.scores}.get(name, "–") for model in summary.models)
        rows.append([name, *found])
    for suite in evaluation.settings.suites:
        counts = (model.suites.get(suite) for model in summary.models)
        rows.append([f"Guard: {SUITES.get(suite).title}", *(f"{one[0]} of {one[1]}" if one else "–" for one in counts)])
    if any(model.failed for model in summary.models):
        rows.append(["Without an answer", *(f"{model.failed:,}" for model in summary.models)])
    return pd.DataFrame(rows, columns=["Figure", *_unique(list(titles.values()))])


def _unique(names: Sequence[str]) -> list[str]:
    """Two models may have one name, two columns may not."""
    seen: dict[str, int] = {}
    out = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        out.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return out


def _charts(evaluation: EvaluationRecord, summary: Summary, titles: dict[str, str]) -> None:
    color = colors(evaluation)
    axes = [score.title for score in summary.models[0].scores if score.unit == "share"] if summary.models else []
    axes = [axis for axis in axes if not axis.startswith(_NOT_DRAWN)]
    suites = [SUITES.get(suite).title for suite in evaluation.settings.suites]
    points = [
        (titles[model.model_id], seconds, main.value, color[model.model_id])
        for model in summary.models
        if (seconds := evaluating.seconds_of(model)) is not None and (main := model.score(summary.main))
    ]
    components.section_gap()
    left, right = st.columns(2, gap="medium")
    if len(axes) + len(suites) >= _FEWEST_AXES:
        with left, st.container(border=True, gap="xsmall"):
            st.markdown("**Quality by figure**")
            radar(
                [*axes, *suites],
                [(titles[model.model_id], _shares(evaluation, model, axes), color[model.model_id])
                 for model in reversed(summary.models)],
                key="evaluation_radar",
                alt="; ".join(f"{titles[model.model_id]}: " + ", ".join(score.title + " " + score.text
                              for score in model.scores if score.title in axes) for model in summary.models),
            )  # fmt: skip
            st.caption("The outer circle is 100%, the inner one 50%.")
    if len(points) > 1:
        with right, st.container(border=True, gap="xsmall"):
            st.markdown("**Quality against latency**")
            main = summary.models[0].score(summary.main)
            quality_by_latency(
                points,
                key="evaluation_scatter",
                alt="; ".join(f"{title}: {value:.3g} in {seconds:.2f} s" for title, seconds, value, _ in points),
                quality=main.title if main else "Quality",
                share=main is not None and main.unit == "share",
            )


def _shares(evaluation: EvaluationRecord, model: ModelSummary, axes: Sequence[str]) -> list[float]:
    values = {score.title: score.value for score in model.scores}
    counts = (model.suites.get(suite, (0, 1)) for suite in evaluation.settings.suites)
    return [*(values.get(axis, 0.0) for axis in axes), *(passed / max(items, 1) for passed, items in counts)]


def _matrix(evaluation: EvaluationRecord, titles: dict[str, str]) -> None:
    chosen = next((model for model in titles if model != evaluation.settings.against), "")
    matrix = evaluating.matrix(evaluation, chosen) if chosen else None
    if matrix is None:
        return
    with st.container(border=True, gap="xsmall", key="evaluation_matrix"):
        st.markdown(f"**{md(titles[chosen])}: {md(matrix.field)}**")
        rows = "; ".join(
            f"{label}: {counts[index]} of {sum(counts)} right"
            for index, (label, counts) in enumerate(zip(matrix.labels, matrix.counts, strict=True))
        )
        confusion_matrix(matrix, key="evaluation_confusion", alt=f"Confusion matrix of {matrix.field}. {rows}.")
        st.caption("A row for each expected value. Right answers are on the diagonal.")
