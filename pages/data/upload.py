"""Upload: a file in a known shape becomes a dataset; any other table continues in Convert data with the same file."""

from __future__ import annotations

import streamlit as st

from core.services.data import sources
from pages.data._shared.uploads import file_card, notes, unreadable
from pages.data._upload.choose import choose_file, format_panel
from pages.data._upload.follow import follow_import, import_of
from pages.data._upload.next_step import known_shape_form, lead_to_wizard
from pages.ui import components, guard
from pages.ui.errors import boundary

guard.require()

with boundary():
    components.page_header(
        "Upload Supervised Training Dataset",
        "Provide labeled examples to teach your AI model through supervised learning.",
        "Prepare · Upload",
    )
    components.section_gap()
    main, side = st.columns([8, 5], gap="medium")
    with side:
        format_panel()
    with main, boundary():
        task_id, source_id = st.query_params.get("task"), st.query_params.get("source")
        if task_id := task_id or (import_of(source_id) if source_id else None):
            follow_import(task_id)
        elif source_id:
            components.heading("Your file")
            source = sources.get(source_id)
            if file_card(source):
                st.query_params.clear()
                st.rerun()
            notes(source)
            with st.spinner("Analyzing the rows"):
                analysis = sources.analyze(source_id)
            if not unreadable(source, analysis):
                next_step = known_shape_form if analysis.shape else lead_to_wizard
                next_step(source, analysis)
        else:
            choose_file()
