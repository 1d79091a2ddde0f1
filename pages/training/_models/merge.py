"""Folding an adapter into its base, on a model's own view: the offer, the work under way, the whole model."""

from __future__ import annotations

from typing import BinaryIO

import streamlit as st

from core.services.platform import tasks
from core.services.training import merging, models
from pages.ui import components, navigation
from pages.ui.errors import boundary, show_error
from pages.ui.format import ago, md, sentence, size
from pages.ui.tasks import words as task_words

POLL_S = 1.0


def panel(model: models.ModelRecord) -> None:
    """Nothing for a model that is whole already, or cannot be merged."""
    if not (model.merged or merging.can_merge(model)):
        return
    components.section_gap()
    components.heading("Merged into the base" if model.merged else "Merge into the base")
    with st.container(border=True, gap="small", key="merge"):
        if model.merged:
            _whole(model, model.merged)
        elif merging.running(model.id):
            st.fragment(run_every=POLL_S)(_under_way)(model.id)
        else:
            _offer(model)


def _whole(model: models.ModelRecord, merged: models.MergedFiles) -> None:
    st.caption(f"{size(merged.size_bytes)} · {ago(merged.created_at)} · {md(model.base_title)} and adapter")

    def archive() -> BinaryIO:
        return models.download(model.id, merged=True).path.open("rb")

    st.download_button(
        "Download merged model",
        archive,
        f"{model.name}-merged.zip",
        "application/zip",
        icon=":material/download:",
        key=f"download_merged_{model.id}",
        on_click="ignore",
        width="stretch",
    )
    if model.state == "active":
        with st.container(horizontal=True, gap="small"):
            for label, icon, page in (("Chat", "chat", "chat"), ("Compare", "compare_arrows", "compare")):
                if st.button(label, icon=f":material/{icon}:", type="tertiary", key=f"{page}_merged_{model.id}"):
                    st.switch_page(navigation.page_file(page), query_params={"model": merging.served_id(model.id)})


def _offer(model: models.ModelRecord) -> None:
    st.caption(
        "Makes one whole model of base and adapter, unquantized, for servers that take no adapters. The adapter stays."
    )
    if merging.trained_on_quantized_base(model):
        st.caption(
            "It learnt beside a quantized base. The merge reads the base again in its own width, so it needs that much "
            "memory and disk."
        )
    failed = merging.last_failure(model.id)
    if failed:
        st.markdown(f":small[:red[{sentence(failed.error.get('message', 'The last merge failed.'))}]]")
    if st.button(
        "Merge into the base",
        icon=":material/call_merge:",
        key=f"merge_{model.id}",
        width="stretch",
        disabled=model.state != "active",
    ):
        with boundary():
            try:
                merging.begin(model.id)
            except Exception as error:
                show_error(error)
            else:
                st.rerun()


def _under_way(model_id: str) -> None:
    with st.container(key="live_merge"), boundary():
        task = merging.running(model_id)
        if task is None:
            st.rerun()
        words = task_words.why(tasks.waiting_reason(task)) or task.message or "Waiting for a worker"
        st.progress(min(1.0, task.progress / 100), text=f":small[{sentence(words)}]")
