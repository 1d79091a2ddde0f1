"""A run in smart mode: its rows by state, the cost against the budget, and the actions."""

from __future__ import annotations

import html
import time

import streamlit as st

from core.services.data import smart
from core.services.data.results import WrittenResult
from core.services.data.smart import SmartProgress
from core.services.platform import tasks
from core.services.platform.tasks import TaskRecord
from pages.data._smart.rows import STATES, live_rows
from pages.ui import components, overrides
from pages.ui.errors import boundary
from pages.ui.format import ago, duration, number, plural, usd
from pages.ui.tasks.progress import band, why_ended

POLL_S = 1.5
_ACTIONS = {
    "pause": ("Pause", "pause", "Stops after the current rows. Nothing is lost, and you can resume at any time."),
    "resume": ("Resume", "play_arrow", "Continues with the remaining rows. {once}"),
    "retry": ("Try again", "refresh", "Continues with the remaining rows. {once}"),
    "keep": ("Stop and keep", "stop", "Ends here and creates the dataset from the finished rows."),
    "cancel": (
        "Stop without a dataset",
        "stop_circle",
        "Ends here without a dataset. The finished rows are saved for a later retry.",
    ),
}
_SERVICES = {"keep": smart.keep, "retry_failed": smart.retry_failed, "ask_again": smart.ask_again}
_PARTS = ("clean", "to_check", "duplicate", "empty", "failed")


def follow_smart(task_id: str) -> TaskRecord:
    """The task now, drawn with its rows by state; refreshed while it runs."""
    task = tasks.get_task(task_id)
    if task.is_active:
        _live(task_id)
    elif task.state == "succeeded":
        progress = smart.progress(task_id)
        rows_account(task, progress)
        _again(task, progress)
    else:
        _now(task)
    return task


def _again(run: TaskRecord, progress: SmartProgress) -> None:
    """The failed rows of a finished run: the button that retries them, then that retry."""
    if run.kind != "smart":
        return
    task = smart.asked_again(run.id)
    if task is not None and task.state != "succeeded":
        components.section_gap()
        components.heading("Retry of failed rows", "the other rows do not change")
        follow_smart(task.id)
        return
    if task is not None:
        st.caption(_retry_result(smart.progress(task.id), task))
    if progress.failed and st.button(
        f"Retry {plural(progress.failed, 'failed row')}",
        icon=":material/refresh:",
        help=f"Sends only these rows to the model. The new examples are added as a new version. {_once(progress)}",
        key="ask_again",
    ):
        _request(run.id, "ask_again")


def _once(progress: SmartProgress) -> str:
    """What happens to finished rows, in words that fit a free model too."""
    return "Finished rows are kept." if progress.is_free else "Finished rows are not paid for again."


def _retry_result(progress: SmartProgress, task: TaskRecord) -> str:
    """The result of the last retry in one sentence."""
    ready = f"{number(progress.ok)} of {plural(progress.rows, 'failed row')} ready"
    number_of = WrittenResult.of(task).version_id.rpartition("-v")[2]
    joined = f"; {plural(progress.examples, 'labeled example')} added as version {number_of}" if number_of else ""
    return f"Retried {ago(task.finished_at)}: {ready}{joined}."


@st.fragment(run_every=POLL_S)
def _live(task_id: str) -> None:
    task = tasks.get_task(task_id)
    if not task.is_active:
        st.rerun()
    _now(task)


def _now(task: TaskRecord) -> None:
    progress = smart.progress(task.id)
    with st.container(gap="small", key=f"live_{task.id}"):
        if task.state in ("failed", "cancelled"):
            with st.container(border=True, gap="xsmall", key="smart_ended"):
                why_ended(task, "The finished rows are saved.")
        else:
            band(task)
        if task.state == "paused":
            _why_paused(task, progress)
        _buttons(task, progress)
        rows_account(task, progress)


def _why_paused(task: TaskRecord, progress: SmartProgress) -> None:
    """The form that raises a spent budget."""
    if task.reason != "budget":
        return
    with st.container(border=True, gap="small", key="budget_spent"):
        st.markdown("**:orange[:material/payments: The budget is spent]**")
        st.caption(
            f"{usd(progress.cost_usd)} of {usd(progress.budget_usd)} spent on {plural(progress.done, 'row')}; "
            f"{number(progress.rows - progress.done)} are left. Raise the budget and resume, or stop and keep the "
            "finished rows."
        )
        with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
            now = progress.budget_usd or 1.0
            amount = st.number_input(
                "New budget (US$)",
                min_value=now,
                value=round(now * 2, 4),
                step=0.5,
                format="%g",
                width=180,
                key="budget",
            )
            if st.button("Raise and resume", type="primary", icon=":material/play_arrow:", key="raise_budget"):
                smart.set_budget(task.id, float(amount))
                tasks.request(task.id, "resume")
                st.rerun()


def _buttons(task: TaskRecord, progress: SmartProgress) -> None:
    """The possible actions; failed rows can be retried while nothing runs."""
    possible = [action for action in _ACTIONS if _possible(action, task, progress)]
    retry = progress.failed and task.state in ("paused", "failed", "cancelled")
    if not possible and not retry:
        return
    with st.container(horizontal=True, gap="small", key="smart_actions"):
        for action in possible:
            title, icon, text = _ACTIONS[action]
            requested = task.command == {"keep": "stop"}.get(action, action)
            if st.button(
                f"{title} requested" if requested else title,
                icon=f":material/{icon}:",
                type="tertiary" if action == "cancel" else "secondary",
                help=text.format(once=_once(progress)),
                disabled=requested,
                key=f"smart_{action}",
            ):
                _request(task.id, action)
        if retry and st.button(
            f"Retry {plural(progress.failed, 'failed row')}",
            icon=":material/refresh:",
            help="Sends only these rows to the model; the others do not change.",
            key="retry_failed",
        ):
            _request(task.id, "retry_failed")


def _possible(action: str, task: TaskRecord, progress: SmartProgress) -> bool:
    if action == "keep":
        return progress.examples > 0 and task.state in ("running", "paused", "failed", "cancelled")
    return action in tasks.actions(task)


def _request(task_id: str, action: str) -> None:
    with boundary():
        with overrides.start():
            if action in _SERVICES:
                _SERVICES[action](task_id)
            else:
                tasks.request(task_id, action)
        st.rerun()


def rows_account(task: TaskRecord, progress: SmartProgress) -> None:
    """The rows by state, the examples, the tokens and the cost."""
    left = progress.rows - progress.done
    items = [
        components.Tile("Rows done", f"{number(progress.done)} of {number(progress.rows)}", note=None),
        components.Tile(
            "Labeled examples", number(progress.examples), f"{number(progress.flagged)} to check", arrow="off"
        ),
        components.Tile("Tokens", number(progress.prompt_tokens + progress.completion_tokens)),
    ]
    if not progress.is_free or progress.budget_usd:
        items.append(components.Tile("Cost", usd(progress.cost_usd), _of_budget(progress), arrow="off"))
    components.tiles(items, key=f"smart_tiles_{task.id}")
    with st.container(border=True, gap="xsmall", key=f"smart_account_{task.id}"):
        _bar(progress, left)
        if progress.done and left and task.started_at and task.state == "running":
            st.caption(_pace(task, progress))
        if progress.budget_usd:
            st.caption(f"Budget: {usd(progress.cost_usd)} of {usd(progress.budget_usd)}")
            st.progress(min(1.0, (progress.cost_usd or 0.0) / progress.budget_usd))


def _of_budget(progress: SmartProgress) -> str | None:
    return f"of {usd(progress.budget_usd)}" if progress.budget_usd else None


def _pace(task: TaskRecord, progress: SmartProgress) -> str:
    took = time.time() - (task.started_at or time.time())
    left = took / progress.done * (progress.rows - progress.done)
    return f"About {duration(left)} left at the current pace"


def _bar(progress: SmartProgress, left: int) -> None:
    """One bar with the share of each state, and a legend with the counts."""
    total = max(progress.rows, 1)
    counts = [(state, getattr(progress, state)) for state in _PARTS]
    bar = "".join(
        f'<div class="studio-s-{state}" style="width:{100 * count / total:.2f}%"></div>'
        for state, count in counts
        if count
    )
    legend = "".join(
        f'<span><i class="studio-s-{state}"></i>{html.escape(STATES[state][0])} <b>{number(count)}</b></span>'
        for state, count in counts
    )
    legend += f'<span><i class="studio-m0"></i>Not done <b>{number(max(left, 0))}</b></span>'
    label = ", ".join(f"{number(count)} {STATES[state][0].lower()}" for state, count in counts)
    st.html(
        f'<div class="studio-bar" role="img" aria-label="{label}">{bar}</div><div class="studio-legend">{legend}</div>'
    )


def after(task: TaskRecord) -> None:
    """The single rows, by state."""
    components.section_gap()
    live_rows(task.id, task.is_active)
