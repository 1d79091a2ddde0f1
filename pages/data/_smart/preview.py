"""Step 5 of Convert data in smart mode: examples from three rows, and their cost."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict

import streamlit as st

from core.services.data import smart
from core.services.data.smart import GeneratedExample, RowResult, SmartEstimate, SmartPreview, SmartRecipe
from core.services.data.sources import Analysis
from core.services.platform import connections
from core.services.platform.drafts import DraftRecord
from pages.data._smart.cost import cost_words, estimate_card, is_free
from pages.data._smart.rows import row_card
from pages.ui import components, overrides
from pages.ui.errors import boundary
from pages.ui.format import md, number, plural, usd
from pages.ui.wizard.draft_state import save

ROWS = 3


def smart_preview_step(draft: DraftRecord, analysis: Analysis) -> tuple[DraftRecord, bool]:
    """Draw step 5: examples from three rows, and the cost of the full file."""
    recipe = SmartRecipe.of(draft.state.get("smart") or {})
    recipe.check(tuple(column.name for column in analysis.columns))
    record = connections.get(recipe.connection_id)
    model = smart.model_title(record.id, recipe.model)
    preview = _saved(draft, recipe)
    main, side = st.columns([8, 5], gap="medium")
    with main:
        with components.spread():
            st.header("Preview of three rows", anchor=False, width="content")
            paid = "" if is_free(record, recipe.model) else " You pay for their tokens."
            with st.container(horizontal=True, width="content", gap="xsmall"):
                again = st.button(
                    "Write them again" if preview else "Write three rows",
                    icon=":material/edit_note:",
                    key="write_preview",
                    help=f"This sends real requests to the model.{paid}",
                )
                others = preview is not None and st.button(
                    "Three other rows",
                    icon=":material/arrow_forward:",
                    key="write_others",
                    help=f"Sends the next three rows of the file to the model.{paid}",
                )
        if again or others:
            with boundary():
                _write(draft, recipe, _next_start(draft, preview) if others and preview else _start(draft))
                st.rerun()
        if preview is None:
            with st.container(border=True, gap="xsmall", key="no_preview"):
                st.markdown("**Check the model's writing before the full run**")
                st.caption(
                    f"{md(record.name)}, {md(model)}, writes examples from the first {ROWS} rows with your "
                    "wording. Numbers and names that do not appear in a row are marked."
                )
        else:
            for row in preview.rows:
                row_card(row, f"preview_{row.line}")
    with side:
        if preview is not None:
            components.heading("These three rows")
            written = sum(len(row.examples) for row in preview.rows)
            flagged = sum(bool(example.flags) for row in preview.rows for example in row.examples)
            with st.container(border=True, gap="small", key="preview_cost"):
                components.facts(
                    [
                        ("Examples", number(written)),
                        ("To check", plural(flagged, "example")),
                        ("Tokens", f"{number(sum(row.prompt_tokens + row.completion_tokens for row in preview.rows))}"),
                        (
                            "Cost",
                            usd(preview.cost_usd)
                            if preview.cost_usd
                            else cost_words(preview.cost_usd, record, recipe.model),
                        ),
                    ]
                )
            components.section_gap()
        components.heading("The full file", "based on the three rows" if preview else "an estimate")
        estimate = preview.estimate if preview else smart.estimate(draft.state["source_id"], recipe)
        estimate_card(estimate, recipe, record)
    return draft, True


def _fingerprint(recipe: SmartRecipe) -> str:
    """Identifies the settings that a preview was written with."""
    return hashlib.sha256(json.dumps(recipe.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()[:16]


def _saved(draft: DraftRecord, recipe: SmartRecipe) -> SmartPreview | None:
    """The saved preview, when it was written with these settings. It was paid for, so the draft stores it."""
    saved = draft.state.get("smart_preview") or {}
    if saved.get("way") != _fingerprint(recipe):
        return None
    rows = [
        RowResult(**{**row, "examples": tuple(GeneratedExample.of(item) for item in row["examples"])})
        for row in saved["rows"]
    ]
    return SmartPreview(rows, saved["cost_usd"], SmartEstimate(**saved["estimate"]))


def _start(draft: DraftRecord) -> int:
    """How many rows come before those of the saved preview."""
    return int((draft.state.get("smart_preview") or {}).get("start") or 0)


def _next_start(draft: DraftRecord, preview: SmartPreview) -> int:
    """The start of the rows after those of the preview; after the last row it begins again."""
    after = _start(draft) + ROWS
    return after if after < preview.estimate.rows else 0


def _write(draft: DraftRecord, recipe: SmartRecipe, start: int) -> None:
    with st.spinner("Waiting for the model"), overrides.start():
        preview = smart.preview(draft.state["source_id"], recipe, rows=ROWS, start=start)
    rows = [{**asdict(row), "examples": [example.to_dict() for example in row.examples]} for row in preview.rows]
    saved = {
        "way": _fingerprint(recipe),
        "start": start,
        "rows": rows,
        "cost_usd": preview.cost_usd,
        "estimate": asdict(preview.estimate),
    }
    save(draft, smart_preview=saved)
