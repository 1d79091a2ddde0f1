"""The dialog that makes a dataset of accepted corrections and good answers."""

from __future__ import annotations

import streamlit as st

from core.errors import StudioError
from core.services.data import datasets
from core.services.serving import feedback
from core.services.serving.feedback import FeedbackPlan
from pages.ui import components, navigation
from pages.ui.dialogs import dialog
from pages.ui.errors import field_error
from pages.ui.format import number, plural

_ENOUGH = 10  # examples that a dataset needs to be trained on alone
_TARGETS = {"new": "A new dataset", "add": "Add to a dataset"}


def button(model_id: str, agent_id: str, *, primary: bool) -> None:
    """The button that opens the dialog."""
    if st.button(
        "Make dataset from feedback",
        icon=":material/dataset:",
        type="primary" if primary else "secondary",
        key="make_dataset",
    ):
        make(model_id, agent_id)


@dialog("Make dataset from feedback", icon=":material/dataset:")
def make(model_id: str, agent_id: str = "") -> None:
    """What becomes of the feedback, where it goes, and the button. The loop of an agent goes on with the dataset."""
    found = feedback.plan(agent_id, model_id)
    good = _contents(found)
    examples = found.corrections + (found.good if good else 0)
    redact = st.toggle(
        "Redact personal data and secrets",
        True,
        key="feedback_redact",
        help="E-mail addresses, phone numbers, keys and the like are replaced by placeholders such as [EMAIL].",
    )
    known = {one.id: one.name for one in datasets.choices() if one.id in feedback.datasets_made()}
    where = components.switch("Where", _TARGETS, key="feedback_where") if known else "new"
    name, dataset_id = "", ""
    if where == "add":
        dataset_id = components.pick("Dataset", known, key="feedback_add_to")
    else:
        name = st.text_input("Name", datasets.free_name("Corrections"), max_chars=120, key="feedback_name") or ""
    slot = st.empty()
    if examples and examples < _ENOUGH and where == "new":
        st.caption(
            f":material/info: {plural(examples, 'example')}: too few to train on alone. Mix them with the dataset that "
            "the model was trained on."
        )
    if st.button("Make dataset", type="primary", disabled=not examples, width="stretch", key="make_dataset_now"):
        try:
            made = feedback.make_dataset(
                name, agent_id=agent_id, model_id=model_id, dataset_id=dataset_id, good=good, redact=redact
            )
        except StudioError as error:
            with slot:
                field_error(error)
            return
        if not agent_id:
            navigation.go("datasets", {"id": made.dataset_id})
        st.toast(f"{plural(made.examples, 'labeled example')} made from feedback", icon=":material/dataset:")
        st.rerun()


def _contents(found: FeedbackPlan) -> bool:
    """The figures; True where good answers are taken too."""
    with st.container(border=True, gap="xsmall", key="feedback_contents"):
        components.facts(
            [
                ("Accepted corrections", number(found.corrections)),
                ("of them preference pairs", number(found.pairs)),
                ("Waiting for a review", number(found.waiting)),
            ]
        )
        if not found.good:
            return False
        return st.checkbox(
            f"Also {plural(found.good, 'answer')} rated well and not corrected",
            key="feedback_good",
            help="A good answer becomes a labeled example as it is.",
        )
