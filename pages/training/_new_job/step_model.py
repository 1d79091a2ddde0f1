"""Step 2 of a new job: name, provider, base model, method and parameters, with the forecast beside them."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.errors import StudioError
from core.services.data import datasets
from core.services.platform import drafts
from core.services.platform.connections import ConnectionRecord
from core.services.training import choices, hosted, jobs
from core.services.training.choices import AUTO, SAFETY, TrainingConfig
from pages.training._new_job import bases, forecast as job_forecast, hosted_model, method_cards, provider
from pages.training._new_job.steps import IDS
from pages.ui import components
from pages.ui.errors import show_error
from pages.ui.format import md, plural, sentence
from pages.ui.forms import form_fields
from pages.ui.wizard import ONWARD_KEYS, address, draft_state, foot

MAIN_SETTINGS = ("num_epochs", "learning_rate", "per_device_batch_size", "max_seq_length")
_GROUPS = {SAFETY: "When a run ends before its last step, and which weights become the model."}


def chosen_words(draft: drafts.DraftRecord | None, step: str) -> list[str]:
    """The choices so far, for the line above the title."""
    if draft is None or not draft.state.get("dataset_id"):
        return []
    dataset = datasets.get_dataset(draft.state["dataset_id"])
    words = [md(dataset.name, 40)]
    if dataset.version:
        words.append(plural(dataset.version.train_examples, "training example"))
    if draft.state.get("connection"):
        if step == "review" and draft.state.get("hosted_base"):
            words.insert(0, md(draft.state["hosted_base"], 40))
    elif step == "review" and draft.state.get("base_model"):
        words.insert(0, md(choices.resolve(draft.state["base_model"]).title))
    return words


def draw(draft: drafts.DraftRecord | None) -> None:
    """Choices at the left, forecast at the right; each choice is saved to the draft at once."""
    assert draft is not None  # this step is only reached with a draft
    if connection := provider.connection_of(draft):
        _draw_hosted(draft, connection)
        return
    draft = _with_defaults(draft)
    forecast = _forecast(draft)
    main, side = st.columns([8, 5], gap="medium")
    with main:
        _names(draft)
        components.section_gap()
        bases.draw(draft)
        components.section_gap()
        method_cards.draw(draft)
        components.section_gap()
        _parameters(draft, forecast)
    with side:
        if forecast is not None:
            job_forecast.panel(draft, forecast)
    _foot(draft, possible=forecast is not None)


def _draw_hosted(draft: drafts.DraftRecord, connection: ConnectionRecord) -> None:
    """The choices of a hosted service."""
    with st.spinner("Asking the service for its base models", show_time=False):
        listed = hosted.bases_of(connection.id)
    base = hosted_model.base_of(draft, listed)
    if not draft.state.get("name") and draft.state.get("hosted_base"):
        title = (base.title or base.id) if base else draft.state["hosted_base"]
        draft = draft_state.save(draft, name=jobs.suggest_hosted_name(draft.state["dataset_id"], title))
    main, side = st.columns([8, 5], gap="medium")
    with main:
        _names(draft)
        components.section_gap()
        hosted_model.draw(draft, connection, listed)
    with side:
        hosted_model.side(draft, connection, listed)
    _foot(draft, possible=hosted_model.ready(draft, listed))


def _foot(draft: drafts.DraftRecord, *, possible: bool) -> None:
    with foot():
        back = st.button("Back", type="tertiary", icon=":material/arrow_back:", key="back")
        if back and draft_state.meant(draft, "model"):
            address.open_draft(draft.id, "dataset")
        if st.button(
            "Review job",
            type="primary",
            icon=":material/arrow_forward:",
            icon_position="right",
            disabled=not possible,
            shortcut=ONWARD_KEYS,
            key="to_review",
        ):
            address.onward(draft, "review", IDS)


def _with_defaults(draft: drafts.DraftRecord) -> drafts.DraftRecord:
    """Fill in the recommended base model and method, and a suggested name."""
    state: dict[str, Any] = draft.state
    missing: dict[str, Any] = {}
    ready, _ = jobs.catalog()
    if state.get("base_model") not in {base.id for base in ready} and ready:
        missing["base_model"] = choices.default_base(ready).id
    if state.get("method") not in choices.METHODS:
        missing["method"] = choices.recommended_method().id
    if missing:
        both = {**state, **missing}
        missing["method_config"] = choices.settings_for(both["base_model"], both["method"])
    if not state.get("name"):
        missing["name"] = jobs.suggest_name(state["dataset_id"], {**state, **missing}["base_model"])
    return draft_state.save(draft, **missing) if missing else draft


def _forecast(draft: drafts.DraftRecord) -> jobs.Forecast | None:
    try:
        return job_forecast.of(job_forecast.choices(draft))
    except StudioError as error:
        show_error(error)
        return None


def _names(draft: drafts.DraftRecord) -> None:
    components.heading("Job")
    with st.container(border=True, gap="small"):
        with st.grid(2, min_column_width=230):
            suggested = draft.state.get("name") or ""
            name = st.text_input(
                "Job name",
                suggested,
                max_chars=jobs.MAX_NAME,
                key=draft_state.key(draft, f"name_{draft.state.get('connection')}_{_base_of(draft)}"),
                help="The name of the job and its model in the lists.",
            )
            note = st.text_input(
                "Description",
                draft.state.get("description") or "",
                key=draft_state.key(draft, "description"),
                max_chars=300,
                placeholder="What this job is for",
            )
        _newer_version(draft)
        provider.draw(draft)
    if name != suggested or note != (draft.state.get("description") or ""):
        draft_state.save(draft, name=name, description=note, own_name=name != suggested)


def _base_of(draft: drafts.DraftRecord) -> str:
    return str(draft.state.get("hosted_base" if draft.state.get("connection") else "base_model") or "")


def _newer_version(draft: drafts.DraftRecord) -> None:
    """Point out that a job based on another one trains on a newer version of the dataset."""
    if not draft.state.get("parent_job_id"):
        return
    parent = jobs.get_job(draft.state["parent_job_id"], with_deleted=True)
    now = datasets.get_dataset(draft.state["dataset_id"]).version
    if parent.dataset_id == now.dataset_id and parent.dataset_version_id != now.id:
        then = datasets.get_version(parent.dataset_version_id)
        st.caption(
            f":material/history: {md(parent.name)} was trained on version {then.number}; this job uses version "
            f"{now.number}, the latest. To use version {then.number} again, restore it in the dataset."
        )


def _parameters(draft: drafts.DraftRecord, forecast: jobs.Forecast | None) -> None:
    method = choices.METHODS.get(draft.state["method"])
    resolved = forecast.training.model_dump() if forecast else {}
    training = dict(draft.state.get("training") or {})
    scope = draft_state.key(draft, f"m_{draft.state['base_model']}_{method.id}")
    common = draft_state.key(draft, "t")
    pairs = forecast.lengths.examples if forecast else 0
    components.heading("Parameters", f"Suggested for {plural(pairs, 'training example')}" if pairs else None)
    with st.container(border=True, gap="small", key="parameters"):
        names = [*MAIN_SETTINGS, *(["on_refusal"] if forecast and forecast.refusals.count else [])]
        notes = {"num_epochs": job_forecast.about_epochs(forecast)} if forecast else {}
        training |= form_fields(TrainingConfig, training, common, names, resolved=resolved, notes=notes)
        config = dict(draft.state.get("method_config") or {})
        if method.model_fields:
            st.divider()
            config = form_fields(method, config, scope)
        with st.expander("More settings", type="compact", key="more_settings"):
            _engine(draft, forecast)
            st.divider()
            training = _more(draft, training, common, resolved, forecast)
    kept = {name: value for name, value in training.items() if value != TrainingConfig.model_fields[name].default}
    if config != (draft.state.get("method_config") or {}) or kept != (draft.state.get("training") or {}):
        _update(draft, {"method_config": config, "training": kept})


def _engine(draft: drafts.DraftRecord, forecast: jobs.Forecast | None) -> None:
    """The training engine; *auto* shows what it resolves to, and why."""
    chosen = draft.state.get("engine") or AUTO
    resolved = f" · {forecast.engine.title}" if forecast and chosen == AUTO else ""
    words = {AUTO: f"auto (recommended){resolved}"} | {engine.id: engine.title for engine in choices.ENGINES}
    selected = components.pick(
        "Engine",
        words,
        draft_state.key(draft, f"engine_{chosen}"),
        chosen,
        help="\n\n".join(f"**{engine.title}**: {engine.text}" for engine in choices.ENGINES),
    )
    if forecast and chosen == AUTO:
        st.caption(sentence(forecast.engine.reason))
    if selected != chosen:
        _update(draft, {"engine": selected})


def _more(
    draft: drafts.DraftRecord,
    training: dict[str, Any],
    key: str,
    resolved: dict[str, Any],
    forecast: jobs.Forecast | None,
) -> dict[str, Any]:
    """The other settings by group; those that need a validation loss only if the dataset has validation examples."""
    measured = datasets.get_dataset(draft.state["dataset_id"]).version.validation_examples > 0
    groups: dict[str, list[str]] = {}
    slots: dict[str, Any] = {}
    for name, field in TrainingConfig.model_fields.items():
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        if extra.get("needs") == "validation" and not measured:
            training.pop(name, None)
        elif name not in MAIN_SETTINGS and extra.get("needs") != "refusals":
            groups.setdefault(str(extra.get("group") or ""), []).append(name)
    for title, names in groups.items():
        if title:
            st.divider()
            with st.container(gap=None):
                st.markdown(f"**{title}**")
                st.caption(_GROUPS.get(title, ""))
        training |= form_fields(TrainingConfig, training, key, names, resolved=resolved, slots=slots)
        if title == SAFETY and not measured:
            st.caption(
                "Early stopping and keeping the best checkpoint need a validation loss, but this dataset has no "
                "validation examples. Step 1 offers to hold some out."
            )
    if forecast and not forecast.precision.warning:  # a warning is in the forecast
        settled = forecast.precision
        slots["precision"].caption(sentence(f"{settled.label} here: {settled.reason}"))
    return training


def _update(draft: drafts.DraftRecord, state: dict[str, Any]) -> None:
    draft_state.save(draft, **state)
    st.rerun()
