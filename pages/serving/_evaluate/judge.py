"""What the judge said, whether it can be trusted, and pairs for people to rate."""

from __future__ import annotations

import streamlit as st

from core.services.serving.evaluating import FEWEST_RATINGS, EvaluationRecord, JudgeCalibration, JudgedPairs, judging
from pages.ui import components
from pages.ui.components import Tile
from pages.ui.dialogs import dialog
from pages.ui.format import md, percent, plural, sentence

_SIDES = {"left": "Left is better", "tie": "Tie", "right": "Right is better"}


def show(evaluation: EvaluationRecord) -> None:
    """The judge's result for every candidate; nothing without a judge."""
    judge = judging.contestant(evaluation)
    if judge is None:
        return
    components.section_gap()
    components.heading("Judge", md(judge.title))
    for candidate in (model for model in evaluation.models if model.id != evaluation.settings.against):
        failed, why = judging.failed(evaluation, candidate.id)
        if failed:
            missing = plural(failed, "judgment is", "judgments are")
            st.warning(f"{missing} missing for {md(candidate.title)}: {md(sentence(why))}", icon=":material/warning:")
        found = judging.judged(evaluation, candidate.id)
        if found is None:
            st.caption(f"{md(judge.title)} judged no pair of {md(candidate.title)}.")
            continue
        _result(evaluation, candidate.id, candidate.title, found)


def _result(evaluation: EvaluationRecord, candidate: str, title: str, found: JudgedPairs) -> None:
    against = evaluation.title_of(evaluation.settings.against)
    calibrated = judging.calibration(evaluation, candidate)
    with st.container(border=True, gap="small", key=f"judge_{candidate}"):
        st.markdown(f"**{md(title)}** against **{md(against)}**, {plural(found.total, 'pair')}, each judged twice")
        components.tiles(
            [
                Tile("Win rate", percent(found.win_rate), help="Wins, and half of the ties."),
                Tile("Wins", f"{found.wins:,}"),
                Tile("Ties", f"{found.ties:,}", help="With the pairs whose two judgments disagreed."),
                Tile("Losses", f"{found.losses:,}"),
                Tile("Disagreed", percent(found.disagreed / max(found.total, 1)),
                     help="Pairs whose judgment changed when the sides were swapped."),
            ]
        )  # fmt: skip
        if found.biased:
            st.warning(
                f"This judge prefers the {found.biased} answer, whatever is there: {max(found.left, found.right)} of "
                f"{found.left + found.right} disagreements. Take another judge.",
                icon=":material/warning:",
            )
        with components.spread():
            st.caption(_calibration(calibrated), width="stretch")
            if st.button("Rate pairs yourself", icon=":material/rate_review:", key=f"rate_{candidate}"):
                rate(evaluation, candidate)


def _calibration(found: JudgeCalibration) -> str:
    if not found.ratings:
        return f":material/info: Not calibrated: rate at least {FEWEST_RATINGS} pairs before you trust these numbers."
    tau = "–" if found.tau is None else f"{found.tau:.2f}"
    kappa = "–" if found.kappa is None else f"{found.kappa:.2f}"
    text = f"Against {plural(found.ratings, 'rating')} by people: Kendall tau {tau}, Cohen kappa {kappa}."
    if not found.enough:
        return f":material/warning: {text} That is too few: at least {FEWEST_RATINGS} say something."
    return text


@dialog("Which answer is better?", width="large", icon=":material/rate_review:")
def rate(evaluation: EvaluationRecord, candidate: str) -> None:
    """One pair after the other, without the names of the models."""
    pair = judging.next_pair(evaluation, candidate)
    if pair is None:
        st.markdown(":material/check_circle: Every pair with different answers is rated.")
        return
    st.caption(f"{plural(len(judging.ratings(evaluation, candidate)), 'pair')} rated")
    st.caption("INPUT")
    st.text(pair.question.text)
    if pair.question.expected:
        st.caption("EXPECTED OUTPUT")
        st.text(pair.question.expected)
    left, right = st.columns(2)
    for place, text in ((left, pair.left), (right, pair.right)):
        with place, st.container(border=True, height="stretch"):
            st.text(text or "(empty)")
    with st.container(horizontal=True, horizontal_alignment="center", gap="small"):
        for winner, label in _SIDES.items():
            if st.button(label, key=f"rated_{winner}_{pair.question.position}"):
                judging.rate(evaluation, candidate, pair, winner)
                st.rerun(scope="fragment")
