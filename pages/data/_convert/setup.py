"""Steps 3 and 4 of Convert data: guided or smart mode, then template, columns and options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st
from pydantic.fields import FieldInfo
from streamlit.delta_generator import DeltaGenerator

from core.errors import StudioError
from core.services.data import conversion
from core.services.data.conversion import RoleSpec, Template, TemplateOptions
from core.services.data.sources import Analysis
from core.services.platform import connections
from core.services.platform.drafts import DraftRecord
from pages.data._convert.why import about_columns, with_wording
from pages.data._shared.sample_rows import example_cards
from pages.data._shared.uploads import raw_text_note
from pages.ui import components
from pages.ui.errors import show_beside, show_error
from pages.ui.format import md, md_code, number, plural, sentence
from pages.ui.forms import form_fields
from pages.ui.wizard.draft_state import key, renew, save

_GUIDED = (
    ("rule", "You choose the pattern", "A template defines the input and the output; you see the result at once."),
    ("bolt", "Fast and predictable", "The same table always yields the same examples, thousands in a second."),
    ("lock", "Nothing is invented", "Every word comes from your cells or your own wording. No model is involved."),
)
_SMART = (
    ("forum", "Natural wording", "1 to 5 examples from each row, with questions the way people ask them."),
    ("fact_check", "You check it", "Every example marks the numbers and names that do not appear in its row."),
    ("payments", "You keep the budget", "You see the cost first; the run pauses at your budget and can resume later."),
)


def mode_step(draft: DraftRecord, analysis: Analysis) -> tuple[DraftRecord, bool]:
    """Draw step 3: templates or a language model."""
    raw = conversion.raw_text(analysis)
    mode = draft.state.get("mode") or ("smart" if raw else "guided")
    endpoints = connections.list_connections()
    main, side = st.columns([8, 5], gap="medium")
    with main:
        components.heading("Mode")
        if raw:
            raw_text_note(raw)
        with st.grid(2, min_column_width=250):
            guided = components.choice_card(
                "guided",
                "Guided",
                "Templates turn each row into labeled examples. Fast and predictable; best for "
                "columns with a clear meaning.",
                icon="alt_route",
                on=mode == "guided",
                facts=f"{plural(analysis.total_rows, 'row')} · {plural(len(analysis.columns), 'column')}",
            )
            smart = components.choice_card(
                "smart",
                "Smart",
                "An AI model reads each row and writes diverse examples from it. Slower; check the result.",
                icon="auto_awesome",
                on=mode == "smart",
                facts=plural(len(endpoints), "connection"),
            )
        if (guided and mode != "guided") or (smart and mode != "smart"):
            save(draft, "mode", mode="guided" if guided else "smart")  # the steps after it are others
            st.rerun()
        components.section_gap()
        components.heading("What that means")
        with st.grid(3, min_column_width=180):
            for icon, title, text in _SMART if mode == "smart" else _GUIDED:
                with st.container(border=True, height="stretch", gap="xxsmall"):
                    st.markdown(f"**:blue[:material/{icon}:] {title}**")
                    st.caption(text)
    with side:
        components.heading("What to expect")
        with st.container(border=True, gap="small", key="mode_hint"):
            st.markdown("**High-quality labeled examples lead to better results**")
            st.caption(
                "Each example should demonstrate desired behavior. Consistency in labeling improves performance."
            )
            st.divider()
            st.caption(
                f"With {number(analysis.total_rows)} rows you can expect about as many examples, or several per row if "
                "you choose that. 10 is the minimum, 50 or more are recommended, 100 to 1,000 are better."
            )
    return save(draft, mode=mode), True


def configure_step(draft: DraftRecord, analysis: Analysis) -> tuple[DraftRecord, bool]:
    """Draw step 4: template, columns, options, with a live preview. True when the preview has an example."""
    if not draft.state.get("template"):
        draft = save(draft, **_suggested(analysis))
        renew(draft)
    main, side = st.columns([8, 5], gap="medium")
    with main:
        draft = _template_cards(draft)
        template = next(item for item in conversion.templates() if item.id == draft.state["template"])
        slots: dict[str, DeltaGenerator] = {}
        mapping = _columns_card(draft, template, analysis, slots)
        draft = with_wording(draft, template, analysis, mapping)
        about_columns(draft, analysis, mapping)
        leave_out = _left_out(draft, analysis)
        options = _options_card(draft, template, analysis, slots)
        draft = save(draft, mapping=mapping, options=options, leave_out=leave_out)
    with side:
        ready = _live_preview(draft, template, slots)
    return draft, ready


def _suggested(analysis: Analysis) -> dict[str, Any]:
    """The template and mapping that the analysis suggests, as draft state."""
    first = conversion.templates()[0].id
    leave_out = [total.line for total in analysis.totals]
    if analysis.suggestion is None:
        return {"template": first, "mapping": {}, "options": {}, "leave_out": leave_out}
    suggestion = analysis.suggestion
    return {
        "leave_out": leave_out,
        "template": suggestion.template,
        "mapping": suggestion.mapping.to_dict(),
        "options": dict(suggestion.options),
    }


def _left_out(draft: DraftRecord, analysis: Analysis) -> list[int]:
    """The lines of the total rows, if the person leaves them out."""
    lines = [total.line for total in analysis.totals]
    if not lines:
        return []
    label = f"Leave out {plural(len(lines), 'total row')}"
    chosen = st.toggle(label, bool(draft.state.get("leave_out")), key=key(draft, "leave_out"))
    for item in analysis.findings:
        if item.code == "total_row":
            st.caption(sentence(item.message))
    return lines if chosen else []


def _template_cards(draft: DraftRecord) -> DraftRecord:
    components.heading("Template")
    with st.grid(2, min_column_width=250):
        for template in conversion.templates():
            chosen = template.id == draft.state["template"]
            if not components.choice_card(template.id, template.title, template.tagline, icon=template.icon, on=chosen):
                continue
            if not chosen:
                # The choices of the template left behind are saved in case the person returns to it.
                by_template = dict(draft.state.get("kept") or {})
                by_template[draft.state["template"]] = {
                    name: draft.state.get(name) or {} for name in ("mapping", "options")
                }
                own = by_template.get(template.id) or conversion.first_choice(draft.state["source_id"], template.id)
                draft = save(draft, template=template.id, kept=by_template, **own)
                renew(draft)
                st.rerun()
    return draft


def _columns_card(
    draft: DraftRecord, template: Template[Any], analysis: Analysis, slots: dict[str, DeltaGenerator]
) -> dict[str, Any]:
    """One widget per role of the template; `slots` receives the place under each for its error."""
    names = [column.name for column in analysis.columns]
    mapping = dict(draft.state.get("mapping") or {})
    if not template.roles:
        return mapping
    components.section_gap()
    title = st.container()
    with st.container(border=True, gap="small", key="mapping"):
        for role in template.roles:
            # A column that already has a role is not offered in a list of columns.
            single = [mapping.get(other.id) for other in template.roles if not other.several]
            taken = single if role.several else []
            free = [name for name in names if name not in taken]
            with st.container(gap="xxsmall"):
                mapping[role.id] = _role_widget(draft, role, mapping.get(role.id), free)
                slots[role.id] = st.empty()
    filled = sum(bool(mapping.get(role.id)) for role in template.roles)
    with title:
        components.heading("Columns", f"{filled} of {len(template.roles)} matched")
    return mapping


def _role_widget(
    draft: DraftRecord, role: RoleSpec, value: str | list[str] | None, names: list[str]
) -> str | list[str] | None:
    title = role.title if role.required else f"{role.title} (optional)"
    if role.several:
        chosen = [name for name in value or [] if name in names]
        return st.multiselect(title, names, default=chosen, help=role.description, key=key(draft, role.id))
    options: list[str | None] = [None, *names]
    return st.selectbox(
        title,
        options,
        index=options.index(value) if value in options else 0,
        format_func=lambda name: "Choose a column" if name is None else name,
        help=role.description,
        key=key(draft, role.id),
    )


def _options_card(
    draft: DraftRecord, template: Template[Any], analysis: Analysis, slots: dict[str, DeltaGenerator]
) -> dict[str, Any]:
    components.section_gap()
    components.heading("Wording and options")
    names = [column.name for column in analysis.columns]
    fields = template.Options.model_fields
    shared = list(TemplateOptions.model_fields)
    with st.container(border=True, gap="small", key="options"):
        values = form_fields(
            template.Options,
            draft.state.get("options") or {},
            key(draft, f"option_{template.id}"),
            only=[*(name for name in fields if name not in shared), *shared],
            choices={name: [None, *names] for name, field in fields.items() if _takes_column(field)},
            slots=slots,
        )
        places = " ".join(md_code(f"{{{{{name}}}}}") for name in names[:12])
        st.caption(f"In a pattern, a name in braces is replaced by that row's cell: {places}")
    return values


def _takes_column(field: FieldInfo) -> bool:
    return isinstance(field.json_schema_extra, dict) and bool(field.json_schema_extra.get("column"))


def _live_preview(draft: DraftRecord, template: Template[Any], slots: Mapping[str, DeltaGenerator]) -> bool:
    """The first examples with the current choices; False when they do not work yet, with the error at its field."""
    components.heading("Preview", "Updates as you choose")
    state = draft.state
    try:
        preview = conversion.preview(
            state["source_id"],
            state.get("template"),
            state.get("mapping"),
            state.get("options"),
            limit=3,
            leave_out=state.get("leave_out") or (),
        )
    except StudioError as error:
        marked = show_beside(slots, error)
        with st.container(border=True, gap="xsmall", key="not_yet"):
            if marked:
                st.markdown(":orange[:material/pending:] The preview appears when the marked field is fixed.")
            else:
                st.markdown(f":orange[:material/pending:] {sentence(error.message)}")
                if error.remedy:
                    st.caption(sentence(error.remedy))
        return False
    except Exception as error:
        show_error(error)
        return False
    example_cards(preview.examples, columns=1)
    some = preview.looked_at < preview.of_rows
    made = f"{'About ' if some else ''}{plural(preview.estimated_total, 'labeled example')}"
    first = f"the first {number(preview.looked_at)}" if some else number(preview.of_rows)
    left_out = f" · {number(len(preview.rejects))} of {first} left out" if preview.rejects else ""
    st.caption(f"{made} from {plural(preview.of_rows, 'row')}{left_out}")
    if not preview.examples and preview.rejects:
        st.caption(md(preview.rejects[0].findings[0].message))
    return bool(preview.examples)
