"""Step 2 of a new job: name, provider, base model, method and parameters, with the forecast beside them."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.errors import StudioError
from core.services.data import datasets
from core.services.platform import drafts
from core.services.training import choices, downloads, jobs
from core.services.training.choices import AUTO, SAFETY, BaseModelRef, TrainingConfig
from pages.training._new_job import forecast as job_forecast
from pages.training._new_job.steps import IDS
from pages.ui import add_base, base_offer, components, theme
from pages.ui.errors import show_error
from pages.ui.format import md, plural, sentence, size
from pages.ui.forms import form_fields
from pages.ui.wizard import ONWARD_KEYS, address, draft_state

MAIN_SETTINGS = ("num_epochs", "learning_rate", "per_device_batch_size", "max_seq_length")
_CLAIMS = 3
_GROUPS = {SAFETY: "When a run ends before its last step, and which weights become the model."}


def chosen_words(draft: drafts.DraftRecord | None, step: str) -> list[str]:
    """The choices so far, for the line above the title."""
    if draft is None or not draft.state.get("dataset_id"):
        return []
    dataset = datasets.get_dataset(draft.state["dataset_id"])
    words = [md(dataset.name, 40)]
    if dataset.version:
        words.append(plural(dataset.version.train_examples, "training example"))
    if step == "review" and draft.state.get("base_model"):
        words.insert(0, md(choices.resolve(draft.state["base_model"]).title))
    return words


def draw(draft: drafts.DraftRecord | None) -> None:
    """Choices at the left, forecast at the right; each choice is saved to the draft at once."""
    assert draft is not None  # this step is only reached with a draft
    draft = _with_defaults(draft)
    forecast = _forecast(draft)
    main, side = st.columns([8, 5], gap="medium")
    with main:
        _names(draft)
        components.section_gap()
        _base_models(draft)
        components.section_gap()
        _methods(draft)
        components.section_gap()
        _parameters(draft, forecast)
    with side:
        if forecast is not None:
            job_forecast.panel(draft, forecast)
    st.divider()
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        back = st.button("Back", type="tertiary", icon=":material/arrow_back:", key="back")
        if back and draft_state.meant(draft, "model"):
            address.open_draft(draft.id, "dataset")
        if st.button(
            "Review job",
            type="primary",
            icon=":material/arrow_forward:",
            icon_position="right",
            disabled=forecast is None,
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
                key=draft_state.key(draft, f"name_{draft.state['base_model']}"),
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
        _provider(draft)
    if name != suggested or note != (draft.state.get("description") or ""):
        draft_state.save(draft, name=name, description=note, own_name=name != suggested)


def _provider(draft: drafts.DraftRecord) -> None:
    """Where the job runs; a choice only where there are several places."""
    providers = {provider.id: provider for provider in choices.PROVIDERS}
    chosen = job_forecast.choices(draft)["provider"]
    wanted = chosen
    if len(providers) > 1:
        titles = {provider.id: provider.title for provider in providers.values()}
        wanted = components.pick("Provider", titles, draft_state.key(draft, f"provider_{chosen}"), chosen)
    st.caption(f":material/computer: **{md(providers[wanted].title)}** · {sentence(providers[wanted].text)}")
    if wanted != chosen:
        _update(draft, {"provider": wanted})


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


def _base_models(draft: drafts.DraftRecord) -> None:
    ready, away = jobs.catalog()
    default = choices.default_base(ready)
    suggested = next((base for base in away if base.id == choices.suggested_id()), None)
    components.heading("Base model", f"{len(ready)} on this machine")
    with st.grid(2, min_column_width=250):
        for base in ready:
            on = base.id == draft.state["base_model"]
            facts = " · ".join(part for part in (f"{base.size} parameters" if base.size else "", base.license) if part)
            text = " ".join(sentence(part) for part in (base.text, base.reason, base.note) if part)
            if components.choice_card(
                f"base_{base.id}",
                md(base.title),
                text,
                icon="deployed_code",
                on=on,
                facts=md(facts),
                tag="Recommended" if _is_recommended(base, default) and len(ready) > 1 else None,
                tag_color="gray",
            ):
                state = {"base_model": base.id, "method_config": choices.settings_for(base.id, draft.state["method"])}
                _update(draft, state | _fresh_name(draft, base.id))
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
    if len(away) > len(unusable):
        more = plural(len(away) - len(unusable), "more model")
        downloading = any(base_offer.is_downloading(base) for base in away)  # also one that was added by its id
        with st.expander(f"{more} to download", type="compact", expanded=downloading, key="away"):
            st.caption("Download a model here or with its command in a terminal. Nothing is downloaded automatically.")
            for base in away:
                if not base.unusable:
                    _unavailable(base)


def _is_recommended(base: BaseModelRef, default: BaseModelRef) -> bool:
    """The starter is recommended only as long as no real model is here."""
    return base.recommended and (not base.buildable or base is default)


def _unavailable(base: BaseModelRef) -> None:
    with st.container(gap="xxsmall", key=f"away_{base.id}"):
        with components.spread(gap="small", wrap=False):
            with st.container(gap=None, width="stretch"):
                st.markdown(f"**{md(base.title)}**" + (" :gray-badge[Recommended]" if base.recommended else ""))
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
        st.markdown(f":small[{md(f'{base.size} parameters · {base.license}')}]")


def _fresh_name(draft: drafts.DraftRecord, base_model: str) -> dict[str, Any]:
    if draft.state.get("own_name"):
        return {}
    return {"name": jobs.suggest_name(draft.state["dataset_id"], base_model)}


def _methods(draft: drafts.DraftRecord) -> None:
    components.heading("Fine-Tuning Method", "Choose how your model will learn from labeled examples")
    with st.grid(2, min_column_width=250):
        for method in choices.METHODS:
            on = method.id == draft.state["method"]
            icon = method.icon.removeprefix(":material/").removesuffix(":")
            facts, served = _method_facts(draft, method.id)
            if components.choice_card(
                f"method_{method.id}",
                method.label(),
                method.tagline,
                icon=icon,
                on=on,
                tag=method.badge,
                tag_color=theme.DEMAND_COLORS[method.demand],
                claims=method.claims[:_CLAIMS],
                note=served,
                facts=facts,
            ):
                _update(
                    draft,
                    {"method": method.id, "method_config": choices.settings_for(draft.state["base_model"], method.id)},
                )
    st.caption("The claims describe the methods in general. The numbers are this studio's forecast for your dataset.")


def _method_facts(draft: drafts.DraftRecord, method_id: str) -> tuple[str, str]:
    """The forecast of a method for this dataset and machine, and where its model can be served."""
    given = job_forecast.choices(draft)
    if method_id != given["method"]:
        given |= {"method": method_id, "method_config": choices.settings_for(given["base_model"], method_id)}
    try:
        forecast = job_forecast.of(given)
    except StudioError:
        return "no forecast", ""
    share = 100 * forecast.trainable_params / max(1, forecast.params)
    facts = f"{'100' if share >= 99.95 else f'{share:.1f}'}% of weights · {size(forecast.memory.expected)}"
    return facts, job_forecast.served_in(forecast)


def _parameters(draft: drafts.DraftRecord, forecast: jobs.Forecast | None) -> None:
    method = choices.METHODS.get(draft.state["method"])
    resolved = forecast.training.model_dump() if forecast else {}
    training = dict(draft.state.get("training") or {})
    scope = draft_state.key(draft, f"m_{draft.state['base_model']}_{method.id}")
    common = draft_state.key(draft, "t")
    pairs = forecast.lengths.examples if forecast else 0
    components.heading("Parameters", f"Suggested for {plural(pairs, 'training example')}" if pairs else None)
    with st.container(border=True, gap="small", key="parameters"):
        config = dict(draft.state.get("method_config") or {})
        if method.model_fields:
            config = form_fields(method, config, scope)
            st.divider()
        names = [*MAIN_SETTINGS, *(["on_refusal"] if forecast and forecast.refusals.count else [])]
        training |= form_fields(TrainingConfig, training, common, names, resolved=resolved)
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
                "validation examples. To use them, hold some out in Datasets."
            )
    if forecast and not forecast.precision.warning:  # a warning is in the forecast
        settled = forecast.precision
        slots["precision"].caption(sentence(f"{settled.precision} here: {settled.reason}"))
    return training


def _update(draft: drafts.DraftRecord, state: dict[str, Any]) -> None:
    draft_state.save(draft, **state)
    st.rerun()
