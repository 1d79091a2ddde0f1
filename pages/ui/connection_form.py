"""The form of a connection: kind, where it trains, address, key, prices and limits; tested before it is saved."""

from __future__ import annotations

from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import StudioError
from core.services.platform import connections
from core.services.platform.connections import (
    ClientKind,
    ConnectionRecord,
    ConnectionTest,
    HostedBase,
    HostedService,
)
from core.services.serving import shutdowns
from pages.ui import components
from pages.ui.errors import show_beside, show_error
from pages.ui.format import duration, md, sentence

NEW = "new"
_KEYS = {"none": "No key", "typed": "Enter a key", "environment": "Environment variable"}


def open_form(connection_id: str = NEW) -> None:
    """Open the form for a new connection, or for an existing one."""
    st.session_state["connection_open"] = connection_id
    st.session_state.pop("connection_test", None)


def form_is_open() -> bool:
    """Whether the form is open."""
    return st.session_state.get("connection_open") is not None


def close_form() -> None:
    """Close the form and forget the result of its last test."""
    for name in ("connection_open", "connection_test"):
        st.session_state.pop(name, None)


def connection_form(record: ConnectionRecord | None) -> ConnectionRecord | None:
    """The form for a new connection or an existing one."""
    kinds = [kind for kind in connections.kinds() if kind.needs_url]
    tag = record.id if record else NEW
    slots: dict[str, DeltaGenerator] = {}
    with st.container(border=True, gap="small", key="connection_form"):
        st.markdown(f"**{'Change ' + md(record.name) if record else 'A new connection'}**")
        kind = _kind_choice(kinds, record, tag)
        service = _service_choice(kind, record, tag, slots)
        values = {
            "kind": kind.id,
            "training": service.id if service else "",
            **_address(kind, service, record, tag, slots),
            **_key(kind, service, record, tag, slots),
        }
        with st.expander("Prices and limits", icon=":material/payments:"):
            prices = _prices(record, tag, slots)
            limits = _limits(record, tag, slots)
        test_slot = st.container(gap="xxsmall")
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            save = st.button("Save connection", type="primary", icon=":material/check:", key="save_connection")
            test = st.button("Test connection", icon=":material/network_check:", key="test_connection")
            if st.button("Cancel", type="tertiary", key="cancel_connection"):
                close_form()
                st.rerun()
        name = values.pop("name")
        if test:
            with test_slot:
                _run_test(record, values, limits)
        if (kept := st.session_state.get("connection_test")) and kept[0] == _fingerprint(values):
            _verdict(kept[1], values["base_url"], slots, test_slot)
        if not save:
            return None
        try:
            saved = connections.save(
                id=record.id if record else None, name=name, prices=prices, settings=limits, **values
            )
        except StudioError as error:
            if not show_beside(slots, error):
                show_error(error)
            return None
    close_form()
    st.session_state["connection_saved"] = saved.id
    st.toast(f"**{md(saved.name)}** is saved.", icon=":material/check_circle:")
    st.rerun()


def _run_test(record: ConnectionRecord | None, values: dict[str, Any], limits: dict[str, Any]) -> None:
    with st.spinner("Fetching the list of models"):
        result = connections.test_values(id=record.id if record else None, settings=limits, **values)
    st.session_state["connection_test"] = (_fingerprint(values), result)


def _verdict(result: ConnectionTest, address: str, slots: dict[str, DeltaGenerator], below: DeltaGenerator) -> None:
    """The result of a test: an error under the field that caused it, everything else below the form."""
    place = None if result.ok else slots.get(result.field)
    with place.container(gap=None) if place is not None else below:
        show_test(result, address)


def _fingerprint(values: dict[str, Any]) -> str:
    """Identifies the tested values; the result is hidden as soon as one of them changes."""
    return str(hash(tuple(sorted((name, str(value)) for name, value in values.items()))))


def _kind_choice(kinds: list[ClientKind], record: ConnectionRecord | None, tag: str) -> ClientKind:
    titles = {kind.id: kind.title for kind in kinds}
    chosen = components.switch(
        "Kind", titles, key=f"connection_kind_{tag}", default=record.kind if record else kinds[0].id, labeled=True
    )
    kind = next(kind for kind in kinds if kind.id == chosen)
    st.caption(sentence(kind.text))
    return kind


def _service_choice(
    kind: ClientKind, record: ConnectionRecord | None, tag: str, slots: dict[str, DeltaGenerator]
) -> HostedService | None:
    """The service that trains there; only a connection of one kind can."""
    if kind.id != connections.TRAINING_KIND:
        return None
    services = {service.id: service for service in connections.services()}
    with st.container(gap="xxsmall"):
        chosen = components.pick(
            "Trains at",
            {"": "Nowhere: it only answers", **{name: service.title for name, service in services.items()}},
            key=f"connection_training_{tag}_{kind.id}",
            value=record.training if record else "",
            help="The service whose fine-tuning is at this address. New job then offers the connection as a provider.",
        )
        slots["training"] = st.empty()
        service = services.get(chosen)
        if service:
            st.caption(sentence(service.text))
    return service


def _address(
    kind: ClientKind,
    service: HostedService | None,
    record: ConnectionRecord | None,
    tag: str,
    slots: dict[str, DeltaGenerator],
) -> dict[str, Any]:
    at = f"{kind.id}_{service.id}" if service else kind.id  # another service has another default
    stored = record if record and (record.kind, record.training) == (kind.id, service.id if service else "") else None
    default = service.default_url if service else kind.default_url
    with st.grid(2, min_column_width=230, gap=("small", "medium")):
        with st.container(gap="xxsmall"):
            name = st.text_input(
                "Name",
                value=record.name if record else service.title if service else kind.title,
                max_chars=80,
                key=f"connection_name_{tag}_{at}",
                help="The name shown in Smart mode, in New job and in the log.",
            )
            slots["name"] = st.empty()
        with st.container(gap="xxsmall"):
            address = st.text_input(
                "Address",
                value=stored.base_url if stored else default,
                key=f"connection_url_{tag}_{at}",
                help="The base URL from the server's documentation. OpenAI-compatible ones usually end in /v1.",
            )
            slots["base_url"] = st.empty()
    return {"name": name, "base_url": address.strip()}


def _key(
    kind: ClientKind,
    service: HostedService | None,
    record: ConnectionRecord | None,
    tag: str,
    slots: dict[str, DeltaGenerator],
) -> dict[str, Any]:
    """The API key: none, entered here, or the name of an environment variable."""
    stored = bool(record and record.has_key and not record.key_env)
    default = "environment" if record and record.key_env else "typed" if stored or kind.needs_key else "none"
    way = components.switch(
        "Key",
        _KEYS,
        key=f"connection_key_way_{tag}_{kind.id}",
        default=default,
        help="A key entered here is stored in a file that only the studio's system user can read. Servers on this "
        "machine usually need no key.",
        labeled=True,
    )
    with st.container(gap="xxsmall"):
        values: dict[str, Any] = {"key": "" if record else None}
        if way == "typed":
            written = st.text_input(
                "API key",
                type="password",
                autocomplete="off",
                live=True,  # without it, Tab moves to the eye icon inside the field and the typed key is lost
                placeholder=f"Leave empty to keep the stored key {record.key_hint}" if stored and record else None,
                key=f"connection_key_{tag}",
            )
            values = {"key": written.strip() or None}
        elif way == "environment":
            variable = st.text_input(
                "Variable",
                value=record.key_env if record else "",
                placeholder=next(iter(service.key_hosts), "SFT_API_KEY") if service else "OPENAI_API_KEY",
                key=f"connection_env_{tag}",
                help="The environment variable that contains the key, set for the studio's processes. Each is for "
                "certain hosts (OPENAI_API_KEY for api.openai.com); the setting SFT_KEY_HOSTS adds others.",
            )
            values = {"key_env": variable.strip()}
        slots["key"] = st.empty()
    return values


def _prices(record: ConnectionRecord | None, tag: str, slots: dict[str, DeltaGenerator]) -> dict[str, Any]:
    st.caption("US dollars per 1,000,000 tokens, from the provider's current price list. `*` matches every model.")
    rows: list[dict[str, Any]] = [
        {"model": model, "input": float(entry["input"]), "output": float(entry["output"])}
        for model, entry in (record.prices if record else {}).items()
    ]
    with st.container(gap="xxsmall"):
        edited: list[dict[str, Any]] = st.data_editor(
            rows or [{"model": "*", "input": None, "output": None}],
            num_rows="dynamic",
            hide_index=True,
            column_config={
                "model": st.column_config.TextColumn("Model"),
                "input": st.column_config.NumberColumn("Input", min_value=0.0, format="%g"),
                "output": st.column_config.NumberColumn("Output", min_value=0.0, format="%g"),
            },
            key=f"connection_prices_{tag}",
            alt="Prices per model: input and output",
        )
        slots["prices"] = st.empty()
    found: dict[str, Any] = {}
    for row in edited:
        given = (row.get("input"), row.get("output"))
        if row.get("model") and given != (None, None):
            found[str(row["model"])] = {"input": given[0], "output": given[1]}
    return found


def _limits(record: ConnectionRecord | None, tag: str, slots: dict[str, DeltaGenerator]) -> dict[str, Any]:
    kept = record.settings if record else {}
    with st.grid(2, min_column_width=180, gap=("small", "medium")):
        timeout_s = st.number_input(
            "Timeout (s)",
            1,
            3600,
            int(kept.get("timeout_s") or 120),
            key=f"connection_timeout_{tag}",
            help="A request that takes longer fails and is retried.",
        )
        concurrency = st.number_input(
            "Concurrent requests",
            1,
            16,
            int(kept.get("concurrency") or 4),
            key=f"connection_concurrency_{tag}",
            help="More requests are faster until the server's rate limit is reached.",
        )
    slots["timeout_s"] = slots["concurrency"] = st.empty()
    return {"timeout_s": int(timeout_s), "concurrency": int(concurrency)}


def show_test(result: ConnectionTest, address: str) -> None:
    """The result of a test of this address, with the models that the server lists."""
    if result.ok:
        st.markdown(
            f":green[:material/check_circle: {sentence(result.message)}] "
            f":gray[:small[{duration(result.latency_ms / 1000)}]]"
        )
        if result.trainable:
            _names("Trains: ", [_base_name(base) for base in shutdowns.dated(address, result.trainable)])
            _names("Answers: " if result.models else "", list(result.models))
        else:
            _names("", list(result.models))
    else:
        st.markdown(f":red[:material/error: {sentence(result.message)}]")
    if result.remedy:
        st.caption(sentence(result.remedy))


def _names(before: str, names: list[str]) -> None:
    if not names:
        return
    shown = " ".join(components.badge_md(md(name, 48)) for name in names[:24])
    more = f" and {len(names) - 24} more" if len(names) > 24 else ""
    st.markdown(f":small[{before}{shown}{more}]")


def _base_name(base: HostedBase) -> str:
    """A base model with the day on which it goes dark, where that is known."""
    name = base.title or base.id
    return f"{name} (until {base.shutdown_date})" if base.shutdown_date else name


def about(record: ConnectionRecord) -> str:
    """A connection in one line: kind, address, key."""
    if record.builtin:
        return "models trained or built in this studio; nothing leaves this machine"
    kind = _kind(record.kind)
    parts = [kind.title if kind else record.kind, record.base_url]
    if record.service:
        parts.append(f"trains at {record.service.title}")
    if record.key_hint:
        parts.append(f"key {record.key_hint}")
    return " · ".join(parts)


def _kind(kind_id: str) -> ClientKind | None:
    return next((kind for kind in connections.kinds() if kind.id == kind_id), None)
