"""The base models of a new job: those on this machine as cards, and the others in a list that can be searched."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.services.platform import drafts
from core.services.training import choices, downloads, fitting, jobs
from core.services.training.choices import BaseModelRef
from pages.ui import add_base, base_offer, components
from pages.ui.fits import fit_md
from pages.ui.format import md, plural, sentence, size
from pages.ui.wizard import draft_state


def draw(draft: drafts.DraftRecord) -> None:
    """Cards of the models that are here, the suggested one, and the list of those to download."""
    ready, away = jobs.catalog()
    default = choices.default_base(ready)
    suggested = next((base for base in away if base.id == choices.suggested_id()), None)
    components.heading("Base model", f"{len(ready)} on this machine")
    with st.grid(2, min_column_width=250):
        for base in ready:
            on = base.id == draft.state["base_model"]
            facts = " · ".join(part for part in (f"{base.size} parameters" if base.size else "", base.license) if part)
            fits = fit_md(base, only_bad=True)
            text = " ".join(sentence(part) for part in (base.text, base.reason, base.note) if part)
            if components.choice_card(
                f"base_{base.id}",
                md(base.title),
                text,
                icon="deployed_code",
                on=on,
                facts=f"{md(facts)} {fits}".strip(),
                tag="Recommended" if _is_recommended(base, default) and len(ready) > 1 else None,
                tag_color="gray",
            ):
                config = choices.settings_for(base.id, draft.state["method"])
                draft_state.save(draft, base_model=base.id, method_config=config, **_fresh_name(draft, base.id))
                st.rerun()
        if suggested:
            _suggestion(suggested)
    add_base.unfinished(catalog=False)
    add_base.button("new_job")
    away = [base for base in away if base is not suggested]
    unusable = [base for base in away if base.unusable]
    if unusable:
        with st.expander(
            f"{plural(len(unusable), 'model')} here that cannot be used", type="compact", key="unusable_bases"
        ):
            for base in unusable:
                _unavailable(base)
    offered = [base for base in away if not base.unusable]
    if offered:
        more = plural(len(offered), "more model")
        downloading = any(base_offer.is_downloading(base) for base in offered)  # also one that was added by its id
        with st.expander(f"{more} to download", type="compact", expanded=downloading, key="away"):
            _offered(offered)


def _offered(offered: list[BaseModelRef]) -> None:
    """The models to download, by a search and by whether they fit on this machine."""
    st.caption("Download a model here or with its command in a terminal. Nothing is downloaded automatically.")
    with components.spread(gap="small"):
        text = st.text_input(
            "Search",
            placeholder="Search by name, size or license",
            label_visibility="collapsed",
            icon=":material/search:",
            key="search_bases",
            width=300,
        )
        only_fitting = st.toggle("Only those that fit here", key="fitting_bases")
    fits = {base.id: fitting.fit_of(base) for base in offered}
    words = text.lower().split()
    shown = [
        base
        for base in offered
        if all(word in f"{base.title} {base.id} {base.size} {base.license}".lower() for word in words)
        and not (only_fitting and (fit := fits[base.id]) and fit.verdict == "too_large")
    ]
    for base in components.divided(shown):
        _unavailable(base)
    if not shown:
        st.caption("No model matches. *Add a base model* takes any model of the Hub by its id.")


def _is_recommended(base: BaseModelRef, default: BaseModelRef) -> bool:
    """The starter is recommended only as long as no real model is here."""
    return base.recommended and (not base.buildable or base is default)


def _unavailable(base: BaseModelRef) -> None:
    with st.container(gap="xxsmall", key=f"away_{base.id}"):
        with components.spread(gap="small", wrap=False):
            with st.container(gap=None, width="stretch"):
                recommended = ":gray-badge[Recommended]" if base.recommended else ""
                st.markdown(f"**{md(base.title)}** {fit_md(base)} {recommended}")
                amount = size(base.download_bytes) if base.download_bytes and len(base.sources) == 1 else ""
                st.caption(md(" · ".join(part for part in (base.size, base.license, amount) if part)))
                if base.gated:  # on a separate line, so that it does not wrap on a narrow screen
                    st.caption(":material/key: Accept its license on Hugging Face first")
            if base.sources:
                _download_actions(base)
        if len(base.sources) > 1:
            base_offer.sources(base)
        base_offer.status(base)


def _download_actions(base: BaseModelRef) -> None:
    """The terminal command in a popover, and the button that does the same."""
    with st.container(horizontal=True, width="content", gap="xsmall", wrap=False):
        with st.popover("", icon=":material/terminal:", type="tertiary", help="The command for a terminal"):
            st.code(base.command, language=None, wrap_lines=True, width=300)
        if len(base.sources) > 1 or base_offer.is_downloading(base):
            return
        if st.button("Download", icon=":material/download:", key=f"download_{base.id}"):
            downloads.start(base.id)
            st.rerun()


def _suggestion(base: BaseModelRef) -> None:
    """The real model for a first job as a card among the others, although its files are not here yet."""
    with st.container(border=True, height="stretch", gap="xsmall", key="suggested_base"):
        with components.spread(gap="xsmall", wrap=False):
            st.markdown(f"**:material/download: {md(base.title)}**")
            st.badge("Recommended", color="gray")
        st.caption(f"{md(base.text)} It is not on this machine yet.")
        base_offer.sources(base)
        base_offer.status(base)
        with components.spread(key="foot_suggested"):
            st.markdown(f":small[{md(f'{base.size} parameters · {base.license}')}] {fit_md(base)}")


def _fresh_name(draft: drafts.DraftRecord, base_model: str) -> dict[str, Any]:
    if draft.state.get("own_name"):
        return {}
    return {"name": jobs.suggest_name(draft.state["dataset_id"], base_model)}
