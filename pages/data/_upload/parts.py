"""The parts of the Upload screen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.data.conversion.analysis import Analysis
from core.data.samples.tables import SAMPLE_CHATS, open_sample_chats
from core.errors import Conflict, DataError, NotFound, StudioError
from core.services.data import conversion, datasets, sources
from core.services.data.datasets import writing as dataset_writing
from core.services.data.sources import SourceRecord
from core.services.platform import drafts
from pages.ui import face, frame
from pages.ui.boundary import beside, field_error, show_error
from pages.ui.format import md, number, plural, sentence
from pages.ui.progress import ended_badly, follow
from pages.ui.uploads import FORMATS, drop_zone, file_card, from_this_server

_EXAMPLE = """{"messages": [
  {"role": "system",
   "content": "You are the help desk of a shop."},
  {"role": "user",
   "content": "What's the refund policy?"},
  {"role": "assistant",
   "content": "We offer a 30-day guarantee..."}
]}"""
_WAYS = (
    ("verified", "Labeled examples", "Chats, question and answer, prompt and completion: straight to a dataset."),
    ("transform", "Any other table", "You say which column is the input and which the output; the file is kept."),
    ("fact_check", "Every row is checked", "What cannot be used is listed with its line and its reason."),
)
_SHAPES = (
    ("messages", "a list of role and content"),
    ("conversations", "ShareGPT: from and value"),
    ("instruction, input, output", "Alpaca"),
    ("prompt, completion", "two columns"),
    ("question, answer", "two columns"),
    ("system, user, assistant", "three columns"),
)


def format_panel() -> None:
    """What a labeled example looks like, and what the roles mean."""
    face.heading("Supervised Learning Format")
    with st.container(border=True, gap="small"):
        st.markdown("Each example shows: **INPUT** (user question) → :blue[**OUTPUT**] (desired response)")
        st.code(_EXAMPLE, language="json", wrap_lines=True)
        st.caption("In a JSONL file each example stands on one line.")
        st.divider()
        st.markdown(f"{face.badge_md('user')} **Inputs**: what you want to handle")
        st.markdown(f"{face.badge_md('assistant', 'blue')} **Outputs**: how you want to respond")
        st.markdown(f"{face.badge_md('system')} **Context and instructions** for the model")
        st.divider()
        st.markdown("Best for prepared labeled datasets. Each example: question + desired answer.")
        st.caption("Minimum 10 labeled examples required, 50 or more recommended, 100 to 1,000 better.")
    with st.expander("Other shapes that are recognised", icon=":material/category:"):
        for columns, text in _SHAPES:
            st.markdown(f"`{columns}` :gray[{text}]")
        st.caption("Any other table is welcome too: the next step lets you say which column is which.")


def choose_file() -> None:
    """The drop zone, a sample to try, and what will happen to the file."""
    face.heading("Your file", f"{FORMATS}, up to 100 MB")
    stored = drop_zone("upload", "Labeled examples") or from_this_server("upload")
    if stored is not None:
        _open(stored)
    with st.container(
        border=True, horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="sample"
    ):
        with st.container(gap=None, width="stretch"):
            st.markdown("**No file at hand?**")
            st.caption("Try it with the help desk of an invented shop: questions of customers and the right answers.")
        if st.button("Use the sample file", icon=":material/description:", key="use_sample"):
            with open_sample_chats() as stream:
                _open(sources.ingest(stream, SAMPLE_CHATS))
    face.section_gap()
    face.heading("What happens to it")
    with st.grid(3, min_column_width=180):
        for icon, title, text in _WAYS:
            with st.container(border=True, height="stretch", gap="xxsmall"):
                st.markdown(f"**:blue[:material/{icon}:] {title}**")
                st.caption(text)


def _open(source: SourceRecord) -> None:
    st.query_params["source"] = source.id
    st.rerun()


def known_shape_form(source: SourceRecord, analysis: Analysis) -> None:
    """Name and description; the examples as they will be; one button."""
    with st.container(border=True, gap="small", key="known_shape"):
        st.markdown(
            f"{face.badge_md('✓ Supervised', 'green')} {face.badge_md(str(analysis.shape))} "
            f"{plural(analysis.total_rows, 'row')} in a known shape. It can become a dataset as it is."
        )
        slots: dict[str, DeltaGenerator] = {}
        with st.container(gap="xxsmall"):
            name = st.text_input("Name", value=free_name(source.filename), max_chars=120, key=f"name_{source.id}")
            slots["name"] = st.empty()
        with st.container(gap="xxsmall"):
            description = st.text_area(
                "Description", placeholder="What these examples teach", key=f"about_{source.id}", height=80
            )
            slots["description"] = st.empty()
        fits = name_fits(name, description, slots)
        validation_id = _validation_part(source)
        if st.button(
            "Create dataset", type="primary", icon=":material/check:", disabled=not fits, key="create_dataset"
        ):
            try:
                task = datasets.create_from_source(source.id, name.strip(), description.strip(), validation_id)
            except StudioError as error:
                show_error(error)
            else:
                st.query_params.clear()
                st.query_params["task"] = task.id
                st.rerun()
    face.section_gap()
    face.heading("First examples", f"of {number(analysis.total_rows)}")
    preview = conversion.preview(source.id, shape=analysis.shape, limit=3)
    for index, made in enumerate(preview.examples, 1):
        face.example_card(made.example.messages, key=f"first_{index}", note=f"Line {made.example.source_line}")


def _validation_part(source: SourceRecord) -> str | None:
    key = f"validation_of_{source.id}"
    chosen = st.session_state.get(key)
    with st.expander("Validation file of its own (optional)", icon=":material/fact_check:"):
        st.caption(
            "Examples that are never trained on show whether the model learned or memorised. Without a file, "
            "the studio holds a part out only from 200 examples on."
        )
        if chosen is None:
            stored = drop_zone(f"validation_{source.id}", "Validation examples")
            if stored is not None:
                st.session_state[key] = stored
                st.rerun()
        elif file_card(chosen):
            st.session_state.pop(key)
            st.rerun()
    return chosen.id if chosen else None


def lead_to_wizard(source: SourceRecord, analysis: Analysis) -> None:
    """A table in no known shape: say so, and go on to the wizard with the file kept."""
    with st.container(border=True, gap="small", key="to_wizard"):
        st.markdown(f"**{plural(analysis.total_rows, 'row')}, {plural(len(analysis.columns), 'column')}**")
        st.markdown(
            "The studio does not know yet which column is the input and which the output. "
            "Convert data asks you, and shows the examples while you choose. The file is kept."
        )
        names = " ".join(face.badge_md(md(column.name, 40)) for column in analysis.columns[:12])
        if names:
            st.markdown(names)
        if st.button("Continue to Convert data", type="primary", icon=":material/transform:", key="to_convert"):
            draft = drafts.create("convert", {"source_id": source.id}, "analyze")
            st.switch_page(frame.page_file("convert"), query_params={"draft": draft.id})


def follow_import(task_id: str) -> None:
    """The import live, then the way on."""
    face.heading("Making the dataset")
    task = follow(task_id)
    if not task.is_terminal:
        st.caption("You can leave this page; the work goes on, and Background jobs shows it.")
    elif not ended_badly(task, "import"):
        done(task.result, "import")
    if task.is_terminal and st.button("Upload another file", type="tertiary", key="another"):
        st.query_params.clear()
        st.rerun()


def done(result: dict[str, object], key: str) -> None:
    """What a finished import or conversion made, and where to go from here."""
    try:
        dataset = datasets.get_dataset(str(result["dataset_id"]))
    except NotFound:
        st.caption("The dataset that came of this was deleted since.")
        return
    unfit = dataset.state == "failed"
    with st.container(border=True, gap="small", key=f"on_done_{key}"):
        mark = ":orange[:material/warning:]" if unfit else ":green[:material/check_circle:]"
        badges = f"{face.badge_md('✓ Supervised', 'green')} {face.status_md(dataset.state)}"
        st.markdown(f"**{mark} {md(dataset.name)}** {badges}")
        st.markdown(f"Labeled Examples: **{plural(dataset.version.examples, 'pair')}**")
        if unfit:
            for found in datasets.findings(dataset.version.id, limit=20, severity="error"):
                if found.line is None:  # about the set as a whole: what keeps it from training
                    st.markdown(f":red[{sentence(found.message)}] {sentence(found.remedy)}")
        with st.container(horizontal=True, gap="small"):
            if st.button("Open dataset", type="primary", icon=":material/dataset:", key=f"open_{key}"):
                st.switch_page(frame.page_file("datasets"), query_params={"id": dataset.id})
            if frame.exists("new_job") and st.button(
                "Start Training Job",
                disabled=unfit,
                help="Errors were found; they need fixing first." if unfit else None,
                key=f"train_{key}",
            ):
                st.switch_page(frame.page_file("new_job"), query_params={"dataset": dataset.id})


def free_name(filename: str) -> str:
    """A name for the dataset of this file that no other has."""
    stem = PurePath(filename).stem.strip() or "dataset"
    taken = {dataset.name for dataset in datasets.list_datasets()}
    return next(name for name in (stem, *(f"{stem} {turn}" for turn in range(2, 10_000))) if name not in taken)


def name_fits(name: str, description: str, slots: Mapping[str, DeltaGenerator]) -> bool:
    """Whether a dataset can be called so; what is wrong with it is said beside the field."""
    try:
        dataset_writing.check_name(name)
        dataset_writing.check_characters(name, description)
    except DataError as error:
        return not beside(slots, error)
    except Conflict as error:
        with slots["name"]:
            field_error(error)
        return False
    return True
