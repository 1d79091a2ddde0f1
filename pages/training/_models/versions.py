"""The versions of one model: inside its card, and on the screen of one of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import streamlit as st

from core.services.training import models
from core.services.training.metrics import final_loss_text
from core.services.training.models import ModelLine, ModelRecord, ModelScore
from pages.ui import components, navigation, states
from pages.ui.answers import scores
from pages.ui.format import day, md, plural
from pages.ui.methods import method_md

MOST: Final = 6  # inside a card; the screen of a model has all of them
PER_PAGE: Final = 8


def inside(line: ModelLine) -> None:
    """The versions of a card that are not at its front; they are drawn once they are opened."""
    others = line.others
    if not others:
        return
    earlier = line.front == line.versions[0]
    label = f"{plural(len(others), 'earlier version' if earlier else 'other version')}"
    box = st.expander(label, key=f"versions_{line.id}", type="compact", on_change="rerun")
    if box.open:
        with box:
            _rows(others[:MOST], line.scores)
            if len(others) > MOST:
                st.caption(f"{plural(len(others) - MOST, 'older version')} more on the screen of this model.")


def section(model: ModelRecord) -> None:
    """All versions of a model's line; nothing where there is only this one."""
    found = models.versions(model.line_id)
    if len(found) < 2:
        return
    components.section_gap()
    components.heading("Versions", plural(len(found), "version"))
    with st.container(border=True, gap="xsmall", key="versions"):
        shown = components.page_of(found, PER_PAGE, "versions_page")
        _rows(shown, models.scores_of(shown), here=model.id)
        components.pages(len(found), PER_PAGE, "versions_page")


def _rows(found: Iterable[ModelRecord], measured: Mapping[str, Sequence[ModelScore]], here: str = "") -> None:
    for model in components.divided(found):
        with components.spread(gap="small", key=f"version_{model.id}"):
            with st.container(gap=None, width="stretch"):
                if model.id == here:
                    st.markdown(f"**{md(model.name)}** :gray[(shown here)]")
                elif st.button(md(model.name), type="tertiary", key=f"open_version_{model.id}"):
                    navigation.go("models", {"id": model.id})
                facts = (
                    f"Version {model.version}",
                    method_md(model.method, model.method_title),
                    final_loss_text(model.final_loss),
                    scores.line(measured[model.id]),
                    day(model.created_at),
                )
                st.caption(" · ".join(fact for fact in facts if fact))
            states.badge(model.state)
