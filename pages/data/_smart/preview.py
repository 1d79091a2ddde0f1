"""Step 5 of the wizard in smart mode: three rows, written for real, with what they cost."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict

import streamlit as st

from core.errors import StudioError
from core.services.data import smart
from core.services.data.smart import GeneratedExample, RowResult, SmartEstimate, SmartPreview, SmartRecipe
from core.services.data.sources import Analysis
from core.services.platform import connections
from core.services.platform.drafts import DraftRecord
from pages.data._smart.cost import cost_words, estimate_card, usd
from pages.data._smart.rows import row_card
from pages.ui import components
from pages.ui.errors import show_error
from pages.ui.format import md, number, plural
from pages.ui.wizard.draft_state import save

ROWS = 3


def smart_preview_step(draft: DraftRecord, analysis: Analysis) -> tuple[DraftRecord, bool]:
    """Step 5: what the whole file takes, and three rows to judge the wording by."""
    recipe = SmartRecipe.of(draft.state.get("smart") or {})
    recipe.check(tuple(column.name for column in analysis.columns))
    record = connections.get(recipe.connection_id)
    found = _kept(draft, recipe)
    main, side = st.columns([8, 5], gap="medium")
    with main:
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.subheader("Three rows to judge by", anchor=False, width="content")
            again = st.button(
                "Write them again" if found else "Write three rows",
                icon=":material/edit_note:",
                key="write_preview",
                help="The model is really asked, and its tokens are really paid for.",
            )
        if again and _write(draft, recipe):
            st.rerun()
        if found is None:
            with st.container(border=True, gap="xsmall", key="no_preview"):
                st.markdown("**See how the model writes before it writes everything**")
                st.caption(
                    f"{md(record.name)}, {md(recipe.model)}, is asked about the first {ROWS} rows with your wording. "
                    "You see each example, and which of its numbers and names do not stand in the row."
                )
        else:
            for row in found.rows:
                row_card(row, f"preview_{row.line}")
    with side:
        if found is not None:
            components.heading("These three rows")
            written = sum(len(row.examples) for row in found.rows)
            flagged = sum(bool(example.flags) for row in found.rows for example in row.examples)
            with st.container(border=True, gap="small", key="preview_cost"):
                components.facts(
                    [
                        ("Examples", number(written)),
                        ("Worth a look", plural(flagged, "example")),
                        ("Tokens", f"{number(sum(row.prompt_tokens + row.completion_tokens for row in found.rows))}"),
                        (
                            "Cost",
                            usd(found.cost_usd) if found.cost_usd else cost_words(found.cost_usd, record, recipe.model),
                        ),
                    ]
                )
            components.section_gap()
        components.heading("The whole file", "from what the three rows took" if found else "an estimate")
        estimate = found.estimate if found else smart.estimate(draft.state["source_id"], recipe)
        estimate_card(estimate, recipe, record)
    return draft, True


def _way(recipe: SmartRecipe) -> str:
    """Names the choices that a preview was written with."""
    return hashlib.sha256(json.dumps(recipe.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()[:16]


def _kept(draft: DraftRecord, recipe: SmartRecipe) -> SmartPreview | None:
    """The preview of just these choices, where it was written before: it was paid for, so the draft keeps it."""
    kept = draft.state.get("smart_preview") or {}
    if kept.get("way") != _way(recipe):
        return None
    rows = [
        RowResult(**{**row, "examples": tuple(GeneratedExample.of(item) for item in row["examples"])})
        for row in kept["rows"]
    ]
    return SmartPreview(rows, kept["cost_usd"], SmartEstimate(**kept["estimate"]))


def _write(draft: DraftRecord, recipe: SmartRecipe) -> bool:
    try:
        with st.spinner("The model writes"):
            found = smart.preview(draft.state["source_id"], recipe, rows=ROWS)
    except StudioError as error:
        show_error(error)
        return False
    rows = [{**asdict(row), "examples": [example.to_dict() for example in row.examples]} for row in found.rows]
    kept = {"way": _way(recipe), "rows": rows, "cost_usd": found.cost_usd, "estimate": asdict(found.estimate)}
    save(draft, smart_preview=kept)
    return True
