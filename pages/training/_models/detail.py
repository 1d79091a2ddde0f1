"""One model: its origin, notes, files, and its state."""

from __future__ import annotations

import streamlit as st

from core.services.serving import from_code
from core.services.training import models
from core.services.training.metrics import METRICS
from pages.training._models import agents, deployed, formats, merge as model_merge, tags, verdict, versions
from pages.training._models.card import SCREEN, ways_on
from pages.ui import components, dark_soon, listing, navigation, states, use_from_code
from pages.ui.answers import scores
from pages.ui.format import format_loss, md, moment, size


def detail(model: models.ModelRecord) -> None:
    """Everything about one model."""
    with components.header_row(md(model.name), "", f"Models · version {model.version}", states.badge_md(model.state)):
        listing.on_its_own(
            SCREEN, model.id, model.name, archived=model.state != "active", gone=lambda: navigation.go("models")
        )
        ways_on(model, "detail", primary=True)
    components.section_gap()
    left, right = st.columns([8, 5], gap="medium")
    with left:
        components.heading("Origin")
        with st.container(border=True, gap="small"):
            _provenance(model)
            dark_soon.mark(model.id, model.id)
        components.section_gap()
        scores.section(model, "Scores")
        verdict.section(model)
        components.section_gap()
        components.heading("Tags")
        tags.field(model)
        components.section_gap()
        components.heading("Notes")
        notes = st.text_area(
            "Notes",
            model.notes,
            key=f"notes_{model.id}",
            label_visibility="collapsed",
            height=110,
            placeholder="What it does well, where it fails, who uses it.",
        )
        if notes != model.notes:
            models.set_notes(model.id, notes)
            st.toast("Notes saved", icon=":material/check:")
        if model.state == "active" and (not model.only_there or (model.hosted and model.hosted.model)):
            use_from_code.section("model", from_code.name_of(model), from_code.messages(model))
        versions.section(model)
    with right:
        deployed.section(model)
        agents.section(model)
        components.section_gap()
        if not model.only_there:  # a model at a service has no files here
            components.heading("Files")
            with st.container(border=True, gap="small"):
                st.caption("As an adapter or a complete model, each with a model card, checksums and a manifest.")
                formats.button(model)
            model_merge.panel(model)
    st.divider()
    navigation.button("All models", "models", icon=":material/arrow_back:", type="tertiary", key="back")


def _provenance(model: models.ModelRecord) -> None:
    components.facts(
        [
            ("Base model", model.base_title),
            ("Method", model.method_title),
            ("Dataset", f"{model.dataset_name} (deleted)" if model.dataset_deleted else model.dataset_name),
            ("Training job", f"{model.job_name} (deleted)" if model.job_deleted else model.job_name),
            (METRICS.get("loss").final_name, format_loss(model.final_loss)),
            ("Size", size(model.size_bytes)),
            ("Created", moment(model.created_at)),
            ("Model id", model.id),
            *([("Provider model id", model.hosted.model or "none")] if model.hosted else []),
        ]
    )
    with st.container(horizontal=True, gap="small"):
        if not model.job_deleted:
            st.page_link(
                navigation.page_file("job"),
                label="Open the job",
                icon=":material/monitoring:",
                query_params={"id": model.job_id},
            )
        if not model.dataset_deleted:
            st.page_link(
                navigation.page_file("datasets"),
                label="Open the dataset",
                icon=":material/dataset:",
                query_params={"id": model.dataset_id},
            )
