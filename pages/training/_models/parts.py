"""A model as a card in the registry, and its own view: provenance, notes, download, archive."""

from __future__ import annotations

from typing import IO, Any

import streamlit as st

from core.services.training import models
from pages.training._models import merge as model_merge
from pages.ui import face, frame, task_words as job_words
from pages.ui.boundary import boundary, show_error
from pages.ui.format import ago, md, moment, short, size


def card(model: Any) -> None:
    """One model: name, badge, where it came from, loss, size, and the ways on."""
    with st.container(
        border=True, height="stretch", vertical_alignment="distribute", gap="xsmall", key=f"model_{model.id}"
    ):
        with st.container(gap=None):
            with st.container(
                horizontal=True,
                horizontal_alignment="distribute",
                vertical_alignment="center",
                wrap=False,
                gap="xsmall",
            ):
                # A link to the same screen would leave the address as it was: a reload would lose the place.
                if st.button(f"**{md(model.name, 44)}**", type="tertiary", key=f"open_{model.id}"):
                    st.switch_page(frame.page_file("models"), query_params={"id": model.id})
                face.status(model.state)
            st.caption(f"{md(model.base_title)} · {md(model.method_title)} · {md(model.dataset_name, 40)}")
            if model.notes:
                st.caption(md(short(model.notes, 120)))
        with st.container(
            horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="xsmall"
        ):
            loss = f"loss {job_words.loss(model.final_loss)} · " if model.final_loss is not None else ""
            st.markdown(f":small[{loss}{size(model.size_bytes)} · {ago(model.created_at)}]", width="content")
            _ways_on(model, "card")


def detail(model: Any) -> None:
    """Everything about one model."""
    with face.header_row(md(model.name), "", f"Models · version {model.version}", face.status_md(model.state)):
        _ways_on(model, "detail", primary=True)
    face.section_gap()
    left, right = st.columns([8, 5], gap="medium")
    with left:
        face.heading("Where it came from")
        with st.container(border=True, gap="xsmall"):
            _provenance(model)
        face.section_gap()
        face.heading("Notes")
        notes = st.text_area(
            "Notes",
            model.notes,
            key=f"notes_{model.id}",
            label_visibility="collapsed",
            height=110,
            placeholder="What it is good at, where it fails, who uses it.",
        )
        if notes != model.notes:
            models.set_notes(model.id, notes)
            st.toast("Notes saved", icon=":material/check:")
    with right:
        face.heading("Files")
        with st.container(border=True, gap="small"):
            st.caption(
                "Weights as safetensors, the tokenizer, and a manifest that names base, dataset and every setting."
            )
            _download(model)
        model_merge.panel(model)
        face.section_gap()
        face.heading("Keep or put away")
        with st.container(border=True, gap="small"):
            _archive(model)
    st.divider()
    if st.button("All models", icon=":material/arrow_back:", type="tertiary", key="back"):
        st.switch_page(frame.page_file("models"))


def _provenance(model: Any) -> None:
    loss = job_words.loss(model.final_loss)
    face.facts(
        [
            ("Base model", model.base_title),
            ("Method", model.method_title),
            ("Dataset", f"{model.dataset_name} (deleted)" if model.dataset_deleted else model.dataset_name),
            ("Training job", model.job_name),
            ("Final loss", loss),
            ("Size", size(model.size_bytes)),
            ("Created", moment(model.created_at)),
            ("Served", "in this studio (Chat and Compare)"),
            ("Model id", model.id),
        ]
    )
    with st.container(horizontal=True, gap="small"):
        st.page_link(
            frame.page_file("job"),
            label="Open the job",
            icon=":material/monitoring:",
            query_params={"id": model.job_id},
        )
        if not model.dataset_deleted:
            st.page_link(
                frame.page_file("datasets"),
                label="Open the dataset",
                icon=":material/dataset:",
                query_params={"id": model.dataset_id},
            )


def _ways_on(model: Any, place: str, primary: bool = False) -> None:
    kind = "secondary" if primary else "tertiary"
    with st.container(horizontal=True, width="content", gap="xsmall"):
        if model.state != "active":
            st.caption("Activate it to use it.")
            return
        if st.button("Chat", icon=":material/chat:", key=f"chat_{place}_{model.id}", type=kind):
            st.switch_page(frame.page_file("chat"), query_params={"model": model.id})
        if st.button(
            "Compare with base" if primary else "Compare",
            icon=":material/compare_arrows:",
            key=f"compare_{place}_{model.id}",
            type="primary" if primary else kind,
        ):
            st.switch_page(frame.page_file("compare"), query_params={"model": model.id})


def _download(model: Any) -> None:
    """The archive is made when the button is pressed, not when the page is drawn."""

    def archive() -> IO[bytes]:
        return models.download(model.id).path.open("rb")

    st.download_button(
        "Download model",
        archive,
        f"{model.name}.zip",
        "application/zip",
        icon=":material/download:",
        key=f"download_{model.id}",
        on_click="ignore",
        width="stretch",
    )


def _archive(model: Any) -> None:
    active = model.state == "active"
    st.caption(
        "An archived model keeps its files and its history. It leaves the lists of Chat and Compare."
        if active
        else "An active model can be chatted with and compared."
    )
    label, icon = ("Archive", ":material/inventory_2:") if active else ("Activate", ":material/bolt:")
    if st.button(label, icon=icon, key=f"state_{model.id}", width="stretch"):
        with boundary():
            try:
                (models.archive if active else models.activate)(model.id)
            except Exception as error:
                show_error(error)
            else:
                st.rerun()
