"""Step 2 of a new job at a hosted service: its base models, methods and settings, under its own names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import streamlit as st

from core.errors import DataError
from core.services.data import datasets
from core.services.platform import drafts
from core.services.platform.connections import ConnectionRecord
from core.services.serving import shutdowns
from core.services.serving.shutdowns import ShutdownRecord
from core.services.training import cost, hosted, jobs
from core.services.training.hosted import Bases, HostedBase, Hyperparameter
from pages.ui import components, dark_soon
from pages.ui.errors import show_error
from pages.ui.format import md, number, plural, sentence, size, usd
from pages.ui.wizard import draft_state

_AUTO = "auto"


def base_of(draft: drafts.DraftRecord, listed: Bases) -> HostedBase | None:
    """The base model that was chosen, as the service lists it."""
    return listed.find(str(draft.state.get("hosted_base") or ""))


def ready(draft: drafts.DraftRecord, listed: Bases) -> bool:
    """Whether the job can be reviewed."""
    return listed.error is None and bool(draft.state.get("hosted_base")) and bool(draft.state.get("hosted_method"))


def draw(draft: drafts.DraftRecord, connection: ConnectionRecord, listed: Bases) -> None:
    """Base model, method and settings; each choice is saved to the draft at once."""
    components.heading("Base model", f"{len(listed.bases)} at {md(connection.name)}" if listed.bases else None)
    _base(draft, connection, listed)
    if not draft.state.get("hosted_base"):
        return
    components.section_gap()
    _method(draft, connection, listed)
    components.section_gap()
    _settings(draft, connection)


def side(draft: drafts.DraftRecord, connection: ConnectionRecord, listed: Bases, *, with_cost: bool = True) -> None:
    """What the service says of the base model, and what it takes."""
    service = connection.service
    assert service is not None
    components.heading("At the service", md(service.title))
    with st.container(border=True, gap="small", key="at_service"):
        base = base_of(draft, listed)
        if base is not None:
            components.facts(_facts(base, connection))
            if dark := _dark(connection, [base]).get(base.id):
                left = "It is off" if dark.is_off else f"It goes dark in {plural(dark.days_left, 'day')}"
                text = f"{left}, and so does what is trained from it ({md(dark.shutdown_on)})."
                st.caption(f":{dark_soon.color(dark)}[:material/event_busy: {text}]")
                if dark.jobs_end_on:
                    st.caption(f":material/event_busy: It takes no new jobs from {md(dark.jobs_end_on)} on.")
            st.divider()
            if with_cost:
                _cost(draft, connection)
                st.divider()
        if service.closes_on:
            st.caption(f":orange[:material/event_busy: It takes no new jobs from {md(service.closes_on)} on.]")
        rules = service.file_rules
        most = f", at most {number(rules.max_examples)}" if rules.max_examples else ""
        st.caption(f":material/dataset: At least {plural(rules.min_examples, 'training example')}{most}.")
        st.caption(f":material/description: Files of at most {size(rules.max_bytes)}.")
        back = service.capabilities.adapter
        word = "comes back and answers here too" if back else "stays there and answers through the connection"
        st.caption(f":material/deployed_code: The tuned model {word}.")
        st.caption(where_to(connection))
        try:
            version = datasets.get_dataset(draft.state["dataset_id"]).version
            for warning in jobs.checked_examples(version.id, service.id):
                st.caption(f":orange[:material/warning: {sentence(warning)}]")
        except DataError as error:
            show_error(error)


def _cost(draft: drafts.DraftRecord, connection: ConnectionRecord) -> None:
    """What the job is expected to cost, and how that was counted."""
    outlay = jobs.estimate_hosted(
        draft.state["dataset_id"], connection.id, draft.state["hosted_base"], draft.state.get("hyperparameters")
    )
    st.markdown(f":material/payments: **Cost:** {sentence(outlay.text)}")
    st.caption(sentence(outlay.basis))
    if outlay.remedy:
        st.caption(sentence(outlay.remedy))


def where_to(connection: ConnectionRecord) -> str:
    """The sentence that says where the examples go."""
    return f":material/cloud_upload: Your examples leave this machine and go to **{md(hosted.host_of(connection))}**."


def _facts(base: HostedBase, connection: ConnectionRecord) -> list[tuple[str, str]]:
    known = cost.price_of(connection.id, connection.training, base.id, base.price_usd)
    price = "not known" if known is None else f"{usd(known.usd)} per 1,000,000 training tokens"
    rows = [("Base model", base.title or base.id), ("Price", price)]
    if base.context_length:
        rows.append(("Context length", f"{number(base.context_length)} tokens"))
    return rows


def _base(draft: drafts.DraftRecord, connection: ConnectionRecord, listed: Bases) -> None:
    with st.container(border=True, gap="small", key="hosted_bases"):
        replaced(draft)
        now = str(draft.state.get("hosted_base") or "")
        if listed.error is not None:
            show_error(listed.error)
            if st.button("List them again", icon=":material/refresh:", key="list_again"):
                hosted.bases_of(connection.id, again=True)
                st.rerun()
            return
        if not listed.bases:
            wanted = st.text_input(
                "Base model",
                now,
                key=draft_state.key(draft, f"typed_base_{connection.id}"),
                help="The service lists none; enter the name from its documentation.",
            ).strip()
        else:
            dark = _dark(connection, listed.bases)
            titles = {base.id: _title(base, dark.get(base.id)) for base in listed.bases}
            if now not in titles:
                titles = {"": "Choose a base model"} | titles
            key = draft_state.key(draft, f"hosted_base_{connection.id}_{now}")
            wanted = components.pick("Base model", titles, key, now)
    if wanted != now:
        base, method = listed.find(wanted), str(draft.state.get("hosted_method") or "")
        kept = method if base is not None and method in base.methods else ""
        _update(draft, {"hosted_base": wanted, "hosted_method": kept, "name": None})


def replaced(draft: drafts.DraftRecord) -> None:
    """For the successor of a model that goes dark: which base model is not to be chosen again."""
    if name := str(draft.state.get("replaces") or ""):
        st.caption(f":orange[:material/event_busy: {md(name)} goes dark: choose another base model.]")


def _title(base: HostedBase, dark: ShutdownRecord | None) -> str:
    price = "" if base.price_usd is None else f" · {usd(base.price_usd)} per million tokens"
    ends = f" · {dark_soon.words(dark)}" if dark else ""
    return f"{base.title or base.id}{price}{ends}"


def _dark(connection: ConnectionRecord, bases: Iterable[HostedBase]) -> dict[str, ShutdownRecord]:
    """When bases go dark, by their ids: as the service lists it now, else as the calendar has it."""
    found = list(bases)
    listed = {base.id: base.shutdown_date for base in found if base.shutdown_date}
    return shutdowns.at(connection.base_url, [base.id for base in found], listed)


def _method(draft: drafts.DraftRecord, connection: ConnectionRecord, listed: Bases) -> None:
    assert connection.service is not None
    base = base_of(draft, listed)
    methods = base.methods if base else connection.service.capabilities.methods
    now = str(draft.state.get("hosted_method") or "")
    components.heading("Fine-Tuning Method", "Choose how your model will learn from labeled examples")
    titles = {method: jobs.method_title(method) for method in methods}
    with st.container(border=True, key="hosted_methods"):
        key = draft_state.key(draft, f"hosted_method_{draft.state.get('hosted_base')}")
        wanted = components.switch("Method", titles, key, now if now in titles else None)
    if wanted != now:
        _update(draft, {"hosted_method": wanted})


def _settings(draft: drafts.DraftRecord, connection: ConnectionRecord) -> None:
    assert connection.service is not None
    settings = connection.service.hyperparameters
    version = datasets.get_dataset(draft.state["dataset_id"]).version
    components.heading("Parameters", f"For {plural(version.train_examples, 'training example')}")
    now = dict(draft.state.get("hyperparameters") or {})
    values: dict[str, Any] = {}
    with st.container(border=True, gap="small", key="hosted_settings"):
        if not settings:
            st.caption("The service chooses all settings.")
        with st.grid(2, min_column_width=230):
            for setting in settings:
                key = draft_state.key(draft, f"{connection.id}_{setting.name}")
                value = _widget(setting, now.get(setting.name), key)
                if value is not None:
                    values[setting.name] = value
        if any(setting.auto for setting in settings):
            st.caption("An empty setting is *auto*: the service chooses it.")
    if values != now:
        _update(draft, {"hyperparameters": values})


def _widget(setting: Hyperparameter, value: Any, key: str) -> Any:
    """One setting; None leaves it to the service."""
    bounds = [f"from {number(setting.low)}" if setting.low is not None else "",
              f"to {number(setting.high)}" if setting.high is not None else ""]  # fmt: skip
    text = " ".join(part for part in (sentence(setting.help), " ".join(filter(None, bounds))) if part)
    if setting.kind == "bool":
        return st.toggle(md(setting.title), bool(value), key=key, help=text)
    if setting.kind == "choice":
        words = {**({_AUTO: _AUTO} if setting.auto else {}), **{choice: choice for choice in setting.choices}}
        chosen = components.pick(md(setting.title), words, key, str(value) if value is not None else None, help=text)
        return None if chosen == _AUTO else chosen
    kind = int if setting.kind == "int" else float
    default = None if value is None and (setting.auto or setting.default == _AUTO) else value
    if default is None and not setting.auto:
        default = setting.default
    options: dict[str, Any] = {
        "min_value": None if setting.low is None else kind(setting.low),
        "max_value": None if setting.high is None else kind(setting.high),
        "value": None if default is None else kind(default),
        "step": 1 if kind is int else None,
        "format": None if kind is int else "%g",
        "placeholder": _AUTO,
        "key": key,
        "help": text,
    }
    field: Any = st.number_input  # its overloads do not take a dictionary
    return field(md(setting.title), **options)


def _update(draft: drafts.DraftRecord, state: dict[str, Any]) -> None:
    draft_state.save(draft, **state)
    st.rerun()
