"""Why columns are suggested, what to know about them, and the wording that follows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.messages import Finding
from core.services.data import conversion
from core.services.data.conversion import Template
from core.services.data.sources import Analysis
from core.services.platform.drafts import DraftRecord
from pages.data._shared.severity import severity_badge
from pages.ui.format import sentence
from pages.ui.wizard.draft_state import renew, save


def with_wording(
    draft: DraftRecord, template: Template[Any], analysis: Analysis, mapping: Mapping[str, Any]
) -> DraftRecord:
    """The draft with the mapping; after a change of columns, with the wording that is proposed for them."""
    before, options = draft.state.get("mapping") or {}, draft.state.get("options") or {}
    if dict(mapping) == dict(before):
        return draft
    changed = conversion.reworded(analysis, template.id, before, mapping, options)
    draft = save(draft, mapping=mapping, options=changed)
    if changed != options:
        renew(draft)
        st.rerun()
    return draft


def about_columns(draft: DraftRecord, analysis: Analysis, mapping: Mapping[str, Any]) -> None:
    """Why these columns are suggested, and what to know about them."""
    suggestion = analysis.suggestion
    chosen = {name: value for name, value in mapping.items() if value}
    template = draft.state["template"]
    if suggestion and suggestion.template == template:
        suggested = {name: value for name, value in suggestion.mapping.to_dict().items() if value}
        if chosen == suggested:
            st.caption(f":material/lightbulb: {sentence(suggestion.reason)}")
    show_warnings(conversion.warnings(analysis, template, mapping, draft.state.get("options") or {}))


def show_warnings(findings: Sequence[Finding]) -> None:
    """Findings about columns, each with its remedy."""
    for item in findings:
        st.caption(f"{severity_badge(item.severity)} {sentence(item.message)} {sentence(item.remedy)}")
