"""The form of a target: its service and address, and what it receives; tested before it is saved."""

from __future__ import annotations

from typing import Any, Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import StudioError
from core.services.platform import notices
from core.services.platform.notices import MAIL, NOTICE_KINDS, NOTICE_SERVICES, MailServer, TargetRecord, TargetTest
from pages.ui import components, person
from pages.ui.dialogs import dialog
from pages.ui.errors import show_beside, show_error
from pages.ui.format import md, sentence

_WAYS: Final = {"typed": "Enter it", "environment": "Environment variable"}
_KEEP: Final = {"keep": "Keep the stored one", **_WAYS}
_SECURITY: Final = {"starttls": "STARTTLS (port 587)", "tls": "TLS (port 465)", "none": "None (port 25)"}
Slots = dict[str, DeltaGenerator]


@dialog("Send notices somewhere", width="medium", icon=":material/outgoing_mail:")
def create_dialog() -> None:
    """A new target."""
    _form(None)


@dialog("Change a target", width="medium", icon=":material/outgoing_mail:")
def change_dialog(target: TargetRecord) -> None:
    """An existing target; its address is entered again if it changes."""
    _form(target)


def show_test(result: TargetTest) -> None:
    """The result of a test."""
    mark = ":green[:material/check_circle:" if result.ok else ":red[:material/error:"
    st.markdown(f"{mark} {sentence(result.message)}]")
    if result.remedy:
        st.caption(md(sentence(result.remedy)))


def _form(target: TargetRecord | None) -> None:
    slots: Slots = {}
    tag = target.id if target else "new"
    with st.container(gap="small", key="notice_form"):
        service, name = _who(target, tag, slots)
        address = _address(service, target, tag, slots)
        values: dict[str, Any] = {"kinds": _kinds(target, tag, slots), "person": _person(target, tag)}
        below = st.container(gap="xxsmall")
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            save = st.button("Save", type="primary", icon=":material/check:", key="save_target")
            test = st.button("Send a test", icon=":material/send:", key="test_target")
    if test:
        with below, st.spinner("Sending a test"):
            kept = target is not None and not address
            result = notices.test(target.id) if kept and target else notices.test_values(service=service, **address)
        place = None if result.ok else slots.get(result.field)
        with place.container(gap=None) if place is not None else below:
            show_test(result)
    if not save:
        return
    try:
        saved = notices.save(
            id=target.id if target else None,
            name=name,
            service=service,
            enabled=target.enabled if target else True,
            **address,
            **values,
        )
    except StudioError as error:
        if not show_beside(slots, error):
            show_error(error)
        return
    st.toast(f"**{md(saved.name)}** is saved.", icon=":material/check_circle:")
    st.rerun()


def _who(target: TargetRecord | None, tag: str, slots: Slots) -> tuple[str, str]:
    titles = {service.id: service.title for service in NOTICE_SERVICES}
    with st.grid(2, min_column_width=200, gap=("small", "medium")):
        if target is None:
            service = components.pick("Service", titles, key=f"notice_service_{tag}")
        else:
            service = target.service
            st.text_input("Service", titles.get(service, service), disabled=True, key=f"notice_service_{tag}")
        with st.container(gap="xxsmall"):
            name = st.text_input(
                "Name",
                value=target.name if target else titles[service],
                max_chars=80,
                key=f"notice_name_{tag}_{service}",
                help="The name of this target in the list, such as the team or the channel.",
            )
            slots["name"] = st.empty()
    return service, name


def _address(service: str, target: TargetRecord | None, tag: str, slots: Slots) -> dict[str, Any]:
    """The address: the stored one, entered here, or the name of an environment variable."""
    about = NOTICE_SERVICES.get(service)
    way = components.switch(
        "Address",
        _KEEP if target else _WAYS,
        key=f"notice_way_{tag}_{service}",
        help="An address contains passwords or tokens. One entered here is stored in a file that only the studio's "
        "system user can read, and is never shown again.",
        labeled=True,
    )
    if way == "keep":
        slots["address"] = st.empty()
        return {}
    if way == "typed" and service == MAIL:
        return {"mail": _mail(tag, slots)}
    with st.container(gap="xxsmall"):
        if way == "environment":
            label, example = "Variable", "SFT_NOTICE_OPERATIONS"
            variable = st.text_input(label, placeholder=example, key=f"notice_env_{tag}_{service}", live=True)
            st.caption(f"Its name begins with SFT\\_NOTICE\\_. It contains an address such as `{about.example}`")
            values = {"address_env": variable.strip()}
        else:
            written = st.text_input(
                "Address",
                type="password",
                autocomplete="off",
                live=True,
                placeholder=about.example,
                label_visibility="collapsed",
                key=f"notice_address_{tag}_{service}",
            )
            st.caption(md(sentence(about.text)))
            values = {"address": written.strip()}
        slots["address"] = st.empty()
    return values


def _mail(tag: str, slots: Slots) -> MailServer:
    with st.grid(2, min_column_width=200, gap=("small", "medium")):
        host = _field("Mail server", "smtp.example.com", f"notice_host_{tag}", "host", slots)
        security = components.pick("Encryption", _SECURITY, key=f"notice_security_{tag}")
        user = _field("User", "Leave empty if the server asks for none", f"notice_user_{tag}", "user", slots)
        with st.container(gap="xxsmall"):
            password = st.text_input(
                "Password", type="password", autocomplete="off", live=True, key=f"notice_password_{tag}"
            )
            slots["address"] = st.empty()
        sender = _field("From", "studio@example.com", f"notice_sender_{tag}", "sender", slots)
        to = _field("To", "team@example.com, ada@example.com", f"notice_to_{tag}", "to", slots)
        with st.container(gap="xxsmall"):
            port = st.number_input(
                "Port",
                1,
                65_535,
                None,
                placeholder="usual",
                key=f"notice_port_{tag}",
                help="Left empty: the usual port of the encryption.",
            )
            slots["port"] = st.empty()
    receivers = [one.strip() for one in to.split(",") if one.strip()]
    return MailServer(host.strip(), receivers, sender.strip(), security, int(port or 0), user.strip(), password)  # type: ignore[arg-type]


def _field(label: str, example: str, key: str, name: str, slots: Slots) -> str:
    with st.container(gap="xxsmall"):
        written = st.text_input(label, placeholder=example, key=key, live=True)
        slots[name] = st.empty()
    return written


def _kinds(target: TargetRecord | None, tag: str, slots: Slots) -> list[str]:
    with st.container(gap="xxsmall"):
        chosen = st.pills(
            "It receives",
            NOTICE_KINDS.ids(),
            selection_mode="multi",
            default=list(target.kinds) if target else list(NOTICE_KINDS.ids()),
            format_func=lambda kind: NOTICE_KINDS.get(kind).title,
            key=f"notice_kinds_{tag}",
        )
        slots["kinds"] = st.empty()
    return list(chosen)


def _person(target: TargetRecord | None, tag: str) -> str:
    """Whose notices it receives; not asked where sign-in is off, because then no work has a name."""
    mine = person.name()
    named = target.person if target else ""
    if not mine and not named:
        return ""
    titles = {"": "Everything in the studio"} | {
        name: f"What concerns {name}, or everyone" for name in (named, mine) if name
    }
    return components.pick("Whose work", titles, key=f"notice_person_{tag}", value=named)
