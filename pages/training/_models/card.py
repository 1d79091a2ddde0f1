"""The list of models as cards: the newest version of each, the others inside, and the buttons to Chat and Compare."""

from __future__ import annotations

from typing import Final, Literal

import streamlit as st

from core.services.platform.listing import Slice
from core.services.training import jobs, models
from core.services.training.metrics import final_loss_text
from core.services.training.models import ModelLine, ModelRecord
from pages.training._models import versions
from pages.ui import components, dark_soon, listing, navigation
from pages.ui.answers import scores
from pages.ui.format import ago, md, plural, short, size
from pages.ui.methods import method_md


def card(line: ModelLine) -> None:
    """One model: name, version, tags, origin, loss, size, scores, links to Chat and Compare, and its other versions."""
    model = line.front
    listing.opener(model.id, model.name, "models", {"id": model.id}, here=True)
    method = method_md(model.method, model.method_title)
    st.caption(f"{md(model.base_title)} · {method} · {md(model.dataset_name, 40)}")
    if marks := marks_md(model, versions=len(line.versions)):
        st.markdown(f":small[{marks}]")
    if model.notes:
        st.caption(md(short(model.notes, 120)))
    if found := scores.line(line.scores[model.id]):
        st.markdown(f":small[{found}]")
    versions.inside(line)
    with components.spread(gap="xsmall"):
        facts = (final_loss_text(model.final_loss), size(model.size_bytes), ago(model.created_at))
        st.markdown(f":small[{' · '.join(fact for fact in facts if fact)}]", width="content")
        ways_on(model, "card")


def marks_md(model: ModelRecord, versions: int = 1) -> str:
    """The version of a model that has several, its tags, and when its provider switches it off."""
    number = [components.badge_md(f"Version {model.version}", "blue")] if versions > 1 else []
    dark = filter(None, [dark_soon.badge_md(model.id)])
    return " ".join([*number, *(components.badge_md(md(tag)) for tag in model.tags), *dark])


def ways_on(model: ModelRecord, place: str, primary: bool = False) -> None:
    """Buttons for Chat and Compare; `place` makes their keys unique."""
    kind: Literal["secondary", "tertiary"] = "secondary" if primary else "tertiary"
    with st.container(horizontal=True, width="content", gap="small"):
        if model.state != "active":
            st.caption("Restore this model to use it.")
            return
        if model.only_there and not (model.hosted and model.hosted.model):
            st.caption("It does not answer now.")
            return
        if st.button("Chat", icon=":material/chat:", key=f"chat_{place}_{model.id}", type=kind):
            navigation.go("chat", {"model": model.id})
        navigation.button(
            "Compare with base" if primary else "Compare",
            "compare",
            {"model": model.id},
            icon=":material/compare_arrows:",
            key=f"compare_{place}_{model.id}",
            type="primary" if primary else kind,
        )


def _remark(found: Slice) -> str:
    count = found.sums["versions"]
    return plural(count, "version") if count > found.total else ""


SCREEN: Final = listing.ListScreen(
    noun="model",
    title="model",
    listing=models.LISTING,
    look_up=dark_soon.with_dates(models.look_up),
    draw=card,
    archive=models.archive,
    restore=models.restore,
    naming=listing.Naming(models.rename, models.dependents, models.delete, longest=jobs.MAX_NAME),
    cards=2,
    remark=_remark,
    name=lambda line: line.front.name,
    changes_id=lambda line: line.front.id,
    together=listing.Together(models.archive_lines, models.restore_lines, "Each with all of its versions."),
)
