"""Merging an adapter into its base, on the screen of one model: the offer, the progress, the merged model."""

from __future__ import annotations

import streamlit as st

from core.services.platform import tasks
from core.services.training import merging, models
from pages.ui import components, navigation
from pages.ui.errors import boundary
from pages.ui.format import ago, md, sentence, size
from pages.ui.tasks import words as task_words

POLL_S = 1.0


def panel(model: models.ModelRecord) -> None:
    """Nothing for a model that cannot be merged."""
    if not (model.merged or merging.can_merge(model)):
        return
    components.section_gap()
    components.heading("Merged into the base" if model.merged else "Merge into the base")
    with st.container(border=True, gap="small", key="merge"):
        if model.merged:
            _merged(model, model.merged)
        elif merging.running(model.id):
            st.fragment(run_every=POLL_S)(_progress)(model.id)
        else:
            _offer(model)


def _merged(model: models.ModelRecord, merged: models.MergedFiles) -> None:
    facts = [size(merged.size_bytes), ago(merged.created_at), f"{md(model.base_title)} and adapter"]
    if merged.dtype:
        facts.append(merged.dtype)
    if merged.difference is not None:
        facts.append(f"logits differ by up to {merged.difference:.2g} from the adapter's")
    st.caption(" · ".join(facts))
    if model.state == "active":
        with st.container(horizontal=True, gap="small"):
            for label, icon, page in (("Chat", "chat", "chat"), ("Compare", "compare_arrows", "compare")):
                if st.button(label, icon=f":material/{icon}:", type="tertiary", key=f"{page}_merged_{model.id}"):
                    navigation.go(page, {"model": merging.served_id(model.id)})


def _offer(model: models.ModelRecord) -> None:
    st.caption(
        "Creates one complete, unquantized model from base and adapter, for servers without adapter support. The "
        "adapter is kept."
    )
    if merging.trained_on_quantized_base(model):
        st.caption(
            "The adapter was trained on a quantized base. Merging loads the unquantized base, so it needs the memory "
            "and disk space of the full model."
        )
    choices = {one.id: one for one in merging.precisions(model)}
    precision = merging.AUTO
    if len(choices) > 1:
        precision = st.radio(
            "Precision",
            list(choices),
            format_func=lambda name: _title(choices[name]),
            captions=[_caption(one) for one in choices.values()],
            key=f"precision_{model.id}",
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
            merging.begin(model.id, precision)
            st.rerun()


def _title(one: merging.Precision) -> str:
    return f"{one.dtype} ({size(one.size_bytes)})"


def _caption(one: merging.Precision) -> str:
    if one.exact:
        return "Exact: the same logits as base and adapter."
    return "As the base is stored. Base and adapter are rounded to it, so logits differ: by up to 1.4 on SmolLM2 135M."


def _progress(model_id: str) -> None:
    with st.container(key="live_merge"), boundary():
        task = merging.running(model_id)
        if task is None:
            st.rerun()
        words = task_words.why(tasks.waiting_reason(task)) or task.message or "Waiting for a worker"
        st.progress(min(1.0, task.progress / 100), text=f":small[{sentence(words)}]")
