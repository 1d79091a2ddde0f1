"""The input of a comparison: an example of a dataset by split, or a typed one."""

from __future__ import annotations

import random
from collections.abc import Sequence

import streamlit as st

from core.messages import SPLIT_TITLES, SPLITS, Split
from core.services.serving import comparing
from core.services.serving.chat import ChatModel
from core.services.serving.comparing import ComparedInput, ExampleSource
from pages.ui import addressed
from pages.ui.escaping import visible
from pages.ui.examples import example_view
from pages.ui.format import short

EXAMPLE, TYPED = "example", "typed"
EXPLAINED: dict[Split, str] = {
    "train": "A model that was trained on this dataset saw these inputs with their outputs.",
    "validation": "Held out: not used for training, only to measure it.",
    "test": "Test: used neither for training nor to choose a model.",
}


def choose(models: Sequence[ChatModel], system: str) -> ComparedInput | None:
    """The chosen input; None while there is none."""
    found = comparing.sources([model.id for model in models])
    titles = {EXAMPLE: "From a dataset", TYPED: "Typed"} if found else {TYPED: "Typed"}
    kind = addressed.switch("Input", titles, "kind", "input_kind") if len(titles) > 1 else TYPED
    if kind == TYPED:
        return _typed(system)
    return _example(found)


def _typed(system: str) -> ComparedInput | None:
    text = addressed.text(
        "Input", "input", "question", height=80, placeholder="Ask what your users ask", label_visibility="collapsed"
    )
    if len(text) > addressed.LONGEST:
        st.caption(f"Inputs of more than {addressed.LONGEST:,} characters are not in the address: a reload clears it.")
    return comparing.typed(text.strip(), system) if text and text.strip() else None


def _example(found: Sequence[ExampleSource]) -> ComparedInput | None:
    return _listed(*part(found))


def part(found: Sequence[ExampleSource], order: Sequence[Split] = SPLITS) -> tuple[str, Split, int]:
    """The chosen dataset version and split, and how many examples it has; the first split in `order` is the default."""
    by_id = {source.version_id: source for source in found}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="example_source"):
        names = {version_id: source.title for version_id, source in by_id.items()}
        version_id = addressed.pick("Dataset", names, "version", "version", found[0].version_id, width=320)
        source = by_id[version_id]
        splits = {split: f"{SPLIT_TITLES[split]} ({source.parts[split]:,})" for split in order if split in source.parts}
        split = addressed.switch("Split", splits, "split", f"split_{version_id}")
    st.caption(EXPLAINED[split])
    return version_id, split, source.parts[split]


def _listed(version_id: str, split: Split, count: int) -> ComparedInput | None:
    """Choose one of the examples of a split; a long list is searched."""
    search = ""
    if count > comparing.LISTED:
        search = st.text_input(
            "Search the examples", key=f"search_{version_id}_{split}", placeholder="Text in an example"
        )
    listed, total = comparing.examples_of(version_id, split, search or "")
    if total > comparing.LISTED:
        st.caption(f"The first {comparing.LISTED} of {total:,} examples are listed. Search for the others.")
    if not listed:
        st.caption("No example contains this text." if search else "No example of this split has an input to ask.")
        return None
    by_position = {str(one.position): one for one in listed}
    linked = st.query_params.get("example", "")
    if linked.isdigit() and linked not in by_position:  # found by a search that is not in the address
        one = comparing.example_at(version_id, int(linked))
        if one is not None and one.split == split:
            by_position = {linked: one, **by_position}
    titles = {at: visible(short(" ".join(one.question.split()), 110)) for at, one in by_position.items()}
    key = f"example_{version_id}_{split}"
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="example_row"):
        if st.session_state.pop("_any_example", False):
            st.session_state[key] = random.choice(list(titles))  # noqa: S311  an example, no secret
        at = addressed.pick("Example", titles, "example", key, next(iter(titles)))
        if st.button("Random", icon=":material/casino:", key="random_example", help="Another example of this split."):
            st.session_state["_any_example"] = True
            st.rerun()
    asked = by_position[at]
    with st.container(gap="xsmall", key="example_shown"):
        example_view.conversation(asked.messages, key="compared")
        st.markdown(":small[:blue[EXPECTED OUTPUT]]")
        st.text(asked.expected)
    return asked
