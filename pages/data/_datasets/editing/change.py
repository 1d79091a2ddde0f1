"""Apply an operation to a dataset, report its effect, undo it, and follow it while it runs in the background."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

from core.errors import Conflict, StudioError
from core.services.data import datasets
from core.services.data.datasets import DatasetRecord, edits as dataset_edits
from core.services.data.datasets.edits import Applied
from core.services.data.datasets.operations import Effect, Operation
from core.services.platform import tasks
from pages.ui.errors import boundary, show_error
from pages.ui.format import md, number, plural, sentence
from pages.ui.tasks.progress import ended_badly, follow

AnOperation = TypeVar("AnOperation", bound=Operation)
_COUNTED = 5_000  # examples up to which an effect is counted at once


def apply(dataset: DatasetRecord, operation: Operation, why: str = "") -> bool:
    """Create a new version with an operation. False when it was refused; the error is shown."""
    try:
        applied = dataset_edits.apply(dataset.id, operation, base_version_id=dataset.version.id, why=why)
    except Conflict as error:
        show_error(error)
        if st.button("Show the latest version", icon=":material/refresh:", key="show_newest"):
            st.rerun()
        return False
    except StudioError as error:
        show_error(error)
        return False
    take(dataset, applied)
    return True


def take(dataset: DatasetRecord, applied: Applied) -> None:
    """Remember the new version, or the task that creates it, for the next run of the page."""
    if applied.task is not None:
        st.session_state[_task_key(dataset.id)] = applied.task.id
    elif applied.version is not None:
        remember(dataset.id, applied.version.id, dataset.version.id)


def remember(dataset_id: str, version_id: str, before_id: str | None) -> None:
    """Remember a new version, so that the next run of the page reports it."""
    st.session_state[_news_key(dataset_id)] = (version_id, before_id)


def news(dataset: DatasetRecord) -> None:
    """The effect of the last change with Undo, or a change that is running or failed."""
    _long_change(dataset)
    last = st.session_state.get(_news_key(dataset.id))
    if not last:
        return
    version_id, before_id = last
    if version_id != dataset.version.id:  # changed again since then
        st.session_state.pop(_news_key(dataset.id))
        return
    changes = dataset_edits.history(dataset.id)
    change, step = changes[0], dataset_edits.undo_step(changes)
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small", key="news_of_change"):
        with st.container(gap=None, width="stretch", key="rowtext_news"):
            st.markdown(f":green[:material/check_circle:] **Version {change.version.number}**: {sentence(change.what)}")
            st.caption(counts_text(change.added, change.removed, change.changed))
        if change.operation == "undo" and before_id:
            if st.button("Redo", icon=":material/redo:", key="redo_change", help="Redo the last undone change."):
                bring_back(dataset, before_id)
        elif step and st.button(
            "Undo",
            icon=":material/undo:",
            key="undo_change",
            help=f"Creates a version with the content of version {step.target.number}.",
        ):
            undo(dataset)
        if st.button("", icon=":material/close:", type="tertiary", key="close_news", help="Close this message"):
            st.session_state.pop(_news_key(dataset.id))
            st.rerun()


def undo(dataset: DatasetRecord) -> None:
    """Create a version with the content before the latest change."""
    _create(dataset, lambda: dataset_edits.undo(dataset.id, base_version_id=dataset.version.id))


def bring_back(dataset: DatasetRecord, version_id: str) -> None:
    """Create a version with the content of an older one."""
    _create(dataset, lambda: dataset_edits.restore(version_id, base_version_id=dataset.version.id))


def _create(dataset: DatasetRecord, change: Callable[[], Applied]) -> None:
    with boundary():
        with st.spinner("Creating the new version…"):
            applied = change()
        take(dataset, applied)
        st.rerun()


def counts_text(added: int, removed: int, changed: int) -> str:
    """`12 added · 3 removed · 4 changed`, or that nothing changed."""
    parts = [(added, "added"), (removed, "removed"), (changed, "changed")]
    return " · ".join(f"{count:,} {word}" for count, word in parts if count) or "No examples changed"


def effect_of(dataset: DatasetRecord, operation: Operation) -> Effect:
    """What an operation would do to the latest version; counted once per window."""
    known: dict[str, Effect] = st.session_state.setdefault("effects", {})
    key = f"{dataset.version.id} {operation.to_dict()!r}"
    if key not in known:
        if len(known) > 200:
            known.clear()
        known[key] = dataset_edits.count(dataset.id, operation)
    return known[key]


def dialog_foot(
    dataset: DatasetRecord,
    build: Callable[[], AnOperation],
    key: str,
    button: str,
    show: Callable[[AnOperation, Effect], None] | None = None,
) -> None:
    """The foot of every dialog that changes a dataset: the effect, the reason, and the button.

    Args:
        build: creates the operation from the values in the dialog; raises StudioError while they are invalid.
        show: draws more about the effect, such as a chart.
    """
    effect: Effect | None = None
    operation: AnOperation | None = None
    try:
        operation = build()
        if dataset.examples <= _COUNTED or st.session_state.get(f"count_{key}") == repr(operation.to_dict()):
            with st.spinner("Counting…", show_time=dataset.examples > _COUNTED):
                effect = effect_of(dataset, operation)
    except StudioError as error:
        st.markdown(f":orange[:material/info:] {sentence(error.message)} :gray[{sentence(error.remedy)}]")
    if operation is not None and effect is None:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(f"{plural(dataset.examples, 'example')}: counting takes a moment.", width="stretch")
            if st.button("Count the effect", icon=":material/calculate:", key=f"count_btn_{key}"):
                st.session_state[f"count_{key}"] = repr(operation.to_dict())
                st.rerun(scope="fragment")
    if effect is not None and operation is not None:
        effect_line(dataset, effect)
        if show:
            with boundary():
                show(operation, effect)
    reason = st.text_input(
        "Why (optional)", max_chars=300, placeholder="Shown in the version history", key=f"why_{key}"
    )
    nothing = effect is not None and effect.nothing
    if st.button(
        button,
        type="primary",
        width="stretch",
        disabled=operation is None or nothing,
        help="This would change nothing." if nothing else None,
        key=f"apply_{key}",
    ):
        assert operation is not None
        with st.spinner("Creating the new version…"):
            done = apply(dataset, operation, reason)
        if done:
            st.rerun()


def effect_line(dataset: DatasetRecord, effect: Effect) -> None:
    """What the new version would contain, in one line."""
    if effect.nothing:
        st.markdown(":gray[:material/info: Nothing would change.]")
        return
    st.markdown(
        f"**Version {dataset.version.number + 1}** would have {plural(effect.total, 'example')} "
        f":gray[({number(effect.train)} for training, {number(effect.validation)} held out)]: "
        f"{counts_text(effect.added, effect.removed, effect.changed)}."
    )


def _long_change(dataset: DatasetRecord) -> None:
    """A change in the background, also one that was started in another window."""
    key = _task_key(dataset.id)
    task_id = st.session_state.get(key)
    if not task_id:
        view = st.query_params.get("view")  # a view named like a kind follows its own tasks
        for kind in [kind for kind in tasks.KINDS if kind.changes_dataset and kind.title != view]:
            changes = tasks.list_about(kind.id, dataset_id=dataset.id)
            mine = [task for task in changes if not task.is_terminal]
            if mine:
                task_id = st.session_state[key] = mine[0].id
                break
    if not task_id:
        return
    task = follow(task_id)
    if task.state == "succeeded":
        st.session_state.pop(key)
        newest = datasets.get_dataset(dataset.id).version
        remember(dataset.id, newest.id, newest.parents[0] if newest.parents else None)
        st.toast(f"{md(task.title, 80)} is done", icon=":material/check_circle:")
        if newest.id != dataset.version.id:
            st.rerun()
    elif not ended_badly(task, "change"):
        return
    elif st.button("Close", type="tertiary", key="close_failed_change"):
        st.session_state.pop(key)
        st.rerun()


def _news_key(dataset_id: str) -> str:
    return f"news_{dataset_id}"


def _task_key(dataset_id: str) -> str:
    return f"changing_{dataset_id}"
