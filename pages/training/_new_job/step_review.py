"""Step 3 of a new job: all choices with their sources, the forecast, and the launch."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.services.data import datasets
from core.services.platform import drafts
from core.services.platform.connections import ConnectionRecord
from core.services.training import choices, hosted, jobs
from core.services.training.hosted import Bases, Hyperparameter
from pages.training._job import facts as job_facts
from pages.training._new_job import cost, forecast as job_forecast, hosted_model, provider, step_dataset
from pages.ui import components, navigation, overrides, start_time
from pages.ui.format import md, number, plural, sentence
from pages.ui.wizard import ONWARD_KEYS, address, draft_state, foot

FIRST = ("rank", "num_epochs", "learning_rate", "per_device_batch_size", "max_seq_length")


def draw(draft: drafts.DraftRecord | None) -> None:
    """All choices on one page; the primary button launches the job."""
    assert draft is not None  # this step is only reached with a draft
    state = draft.state
    connection = provider.connection_of(draft)
    if connection is not None:
        _draw_hosted(draft, connection)
        return
    forecast = job_forecast.of(job_forecast.choices(draft))
    main, side = st.columns([8, 5], gap="medium")
    with main:
        components.heading("Your choices")
        with st.container(border=True, gap="small", key="chosen"):
            _chosen(draft, forecast)
        components.section_gap()
        components.heading("Hyperparameters", "Each with its source")
        with st.container(border=True, gap="small", key="hyperparameters"):
            _hyperparameters(state, forecast)
    with side:
        job_forecast.panel(draft, forecast)
        components.section_gap()
        start_at = _start(draft)
    _foot(draft, start_at)


def _start(draft: drafts.DraftRecord) -> float | None:
    components.heading("Start")
    with st.container(border=True, gap="small", key="start"):
        return start_time.draw(draft_state.key(draft, "start"))


def _draw_hosted(draft: drafts.DraftRecord, connection: ConnectionRecord) -> None:
    """The choices of a job at a hosted service."""
    listed = hosted.bases_of(connection.id)
    main, side = st.columns([8, 5], gap="medium")
    with main:
        components.heading("Your choices")
        with st.container(border=True, gap="small", key="chosen"):
            _chosen_there(draft, connection, listed)
        components.section_gap()
        components.heading("Hyperparameters", "Under the service's names")
        with st.container(border=True, gap="small", key="hyperparameters"):
            _settings_there(draft, connection)
    with side:
        chosen = draft.state.get("hyperparameters") or {}
        base, method = (str(draft.state.get(name) or "") for name in ("hosted_base", "hosted_method"))
        cost.panel(connection, base, method, draft.state["dataset_id"], chosen)
        components.section_gap()
        hosted_model.side(draft, connection, listed, with_cost=False)
        components.section_gap()
        start_at = _start(draft)
    _foot(draft, start_at)


def _chosen_there(draft: drafts.DraftRecord, connection: ConnectionRecord, listed: Bases) -> None:
    state = draft.state
    dataset = datasets.get_dataset(state["dataset_id"])
    base = hosted_model.base_of(draft, listed)
    rows = [
        ("Job name", state.get("name") or ""),
        ("Dataset", f"{dataset.name}, version {dataset.version.number}"),
        ("Trains on", plural(dataset.version.train_examples, "example")),
        ("Held out", datasets.held_out_text(dataset.version)),
        *step_dataset.left_out(dataset.version),
        ("Provider", f"{connection.name}  ·  {connection.service.title if connection.service else ''}"),
        ("Base model", (base.title or base.id) if base else str(state.get("hosted_base") or "")),
        ("Method", jobs.method_title(str(state.get("hosted_method") or ""))),
    ]
    if state.get("description"):
        rows.insert(1, ("Description", state["description"]))
    components.facts(rows)


def _settings_there(draft: drafts.DraftRecord, connection: ConnectionRecord) -> None:
    chosen = draft.state.get("hyperparameters") or {}
    settings = connection.service.hyperparameters if connection.service else ()
    if not settings:
        st.caption("The service chooses all settings.")
        return
    components.facts(
        [
            (setting.title, f"{chosen[setting.name]}  ·  chosen by you" if setting.name in chosen else _usual(setting))
            for setting in settings
        ]
    )


def _shown(value: Any) -> str:
    return number(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _usual(setting: Hyperparameter) -> str:
    return (
        "auto" if setting.auto or setting.default == "auto" else f"{_shown(setting.default)}  ·  the service's default"
    )


def _foot(draft: drafts.DraftRecord, start_at: float | None) -> None:
    with foot():
        back = st.button("Back", type="tertiary", icon=":material/arrow_back:", key="back")
        if back and draft_state.meant(draft, "review"):
            address.open_draft(draft.id, "model")
        launch = st.button(
            "Launch Training Job",
            type="primary",
            icon=":material/rocket_launch:",
            shortcut=ONWARD_KEYS,
            key="launch",
        )
        # What was not seen is not launched: a toast says that another window changed the draft.
        if overrides.pressed(launch, "launch") and draft_state.seen(draft):
            _launch(draft, start_at)


def _hyperparameters(state: dict[str, Any], forecast: jobs.Forecast) -> None:
    """The most important settings and those a user chose; the other defaults in an expander."""
    every = job_facts.hyperparameters(
        state["method"], state.get("method_config") or {}, forecast.training, forecast.sources
    )
    first = [setting for setting in every if setting.chosen or setting.name in FIRST]
    rest = [setting for setting in every if setting not in first]
    components.facts([setting.row for setting in first])
    if rest:
        with st.expander(
            f"{plural(len(rest), 'more setting')} with default values", type="compact", key="more_hyperparameters"
        ):
            components.facts([setting.row for setting in rest])


def _chosen(draft: drafts.DraftRecord, forecast: jobs.Forecast) -> None:
    state = draft.state
    base, method = choices.resolve(state["base_model"]), choices.METHODS.get(state["method"])
    dataset = datasets.get_dataset(state["dataset_id"])
    version = dataset.version
    pairs = plural(version.train_examples, "training example")
    rows = [
        ("Job name", _name(state)),
        ("Dataset", f"{dataset.name}, version {version.number} ({pairs})"),
        ("Trains on", _trained(forecast)),
        ("Held out", datasets.held_out_text(version)),
        *step_dataset.left_out(version),
        ("Provider", choices.provider_text(job_forecast.choices(draft)["provider"])),
        ("Base model", f"{base.title}{f', {base.size} parameters' if base.size else ''}"),
        ("Method", f"{method.title}: {method.tagline}"),
        ("Engine", job_facts.engine(forecast.engine.engine, forecast.engine.reason)),
        ("Computes in", job_facts.precision(forecast.precision.label, forecast.precision.reason)),
    ]
    if state.get("description"):
        rows.insert(1, ("Description", state["description"]))
    if state.get("parent_job_id"):
        rows.append(("Follows", jobs.get_job(state["parent_job_id"], with_deleted=True).name))
    components.facts(rows)
    if base.reason and base.buildable:
        st.caption(f":material/info: {md(base.title)}: {sentence(base.reason)} The job starts when it is ready.")


def _trained(forecast: jobs.Forecast) -> str:
    """How many examples really reach the training, and how often."""
    training, read = forecast.training, forecast.lengths.examples
    dropped = forecast.over_length if training.over_length == "drop" else 0
    text = f"{plural(read - dropped, 'example')}, {plural(training.num_epochs, 'time')} each"
    refused = forecast.refusals.left_out(training.on_refusal)
    if refused:
        text += f"; {number(refused)} left out: the base model's chat template refuses them"
    if dropped:
        text += f"; {number(dropped)} left out: longer than {number(training.max_seq_length)} tokens"
    elif forecast.over_length:
        text += f"; {number(forecast.over_length)} cut at {number(training.max_seq_length)} tokens"
    return text


def _choices(draft: drafts.DraftRecord) -> dict[str, Any]:
    """The choices as the job service takes them."""
    state = draft.state
    if not state.get("connection"):
        return job_forecast.choices(draft)
    return {
        "dataset_id": state["dataset_id"],
        "base_model": state.get("hosted_base") or "",
        "method": state.get("hosted_method") or "",
        "connection": state["connection"],
        "hyperparameters": state.get("hyperparameters") or {},
    }


def _name(state: dict[str, Any]) -> str:
    return state.get("name") or jobs.suggest_name(state["dataset_id"], state["base_model"])


def _launch(draft: drafts.DraftRecord, start_at: float | None) -> None:
    """One draft becomes one job: a second press, in any browser, opens the same job."""
    state = draft.state
    with overrides.start("launch"):
        job = jobs.create(
            name=state.get("name") or "" if state.get("connection") else _name(state),
            description=state.get("description") or "",
            draft_key=draft.id,
            parent_job_id=state.get("parent_job_id"),
            start_at=start_at,
            **_choices(draft),
        )
    drafts.finish(draft.id, job.id)
    navigation.go("job", {"id": job.id}, instead_of=draft.id)
