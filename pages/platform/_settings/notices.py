"""Where notices are sent: mailboxes, channels and webhooks, each with what it receives."""

from __future__ import annotations

import streamlit as st

from core.services.platform import notices
from core.services.platform.notices import NOTICE_KINDS, TargetRecord
from pages.platform._settings.notice_form import change_dialog, create_dialog, show_test
from pages.ui import components
from pages.ui.format import ago, md, plural, sentence

_DELETED = "notice_target_delete"


def target_list() -> None:
    """All targets with their actions, and the button for a new one."""
    found = notices.list_targets()
    with components.spread():
        st.header("Notices", anchor=False, width="content")
        if st.button("Send notices somewhere", icon=":material/add:", type="tertiary", key="pick_add_target"):
            create_dialog()
    st.caption(
        "The bell shows what happened: jobs that end, datasets that fail validation, budgets, lost workers. The same "
        "notices are sent to these targets. Addresses and passwords are stored on this server only."
    )
    with st.container(border=True, gap="xsmall", key="notice_targets"):
        if not found:
            st.caption("No targets yet. Add a mailbox, a channel of Slack or Teams, or a webhook.")
        for target in components.divided(found):
            _row(target)


def _row(target: TargetRecord) -> None:
    asked = st.session_state.get(_DELETED) == target.id
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        with st.container(gap=None, width="stretch", key=f"rowtext_{target.id}"):
            words = f"**{md(target.name)}**" if not asked else f"Delete **{md(target.name)}** and its address?"
            st.markdown(words if target.enabled else f"{words} {components.badge_md('Paused')}")
            st.caption(" · ".join(_facts(target)))
            if target.error:
                failed = f"{plural(target.failures, 'attempt')} failed, the last one {ago(target.failed_at)}"
                st.markdown(f":red[:small[:material/error: {sentence(target.error)} {sentence(failed)}]]")
        if asked:
            _ask_to_delete(target)
            return
        if st.button("Edit", type="tertiary", key=f"edit_{target.id}"):
            change_dialog(target)
        if st.button("Pause" if target.enabled else "Resume", type="tertiary", key=f"pause_{target.id}"):
            notices.set_enabled(target.id, not target.enabled)
            st.rerun()
        if st.button("Delete", type="tertiary", key=f"delete_{target.id}"):
            st.session_state[_DELETED] = target.id
            st.rerun()
        tested = st.button("Test", key=f"test_{target.id}")
    if tested:
        with st.spinner("Sending a test"):
            show_test(notices.test(target.id))


def _ask_to_delete(target: TargetRecord) -> None:
    if st.button("Cancel", type="tertiary", key=f"keep_{target.id}"):
        st.session_state.pop(_DELETED)
        st.rerun()
    if st.button("Delete", key=f"delete_now_{target.id}"):
        notices.delete(target.id)
        st.session_state.pop(_DELETED)
        st.rerun()


def _facts(target: TargetRecord) -> list[str]:
    where = [md(target.about.title)]
    if target.address_env:
        where.append(f"address from {md(target.address_env)}")
    elif target.shown:
        where.append(md(target.shown, 120))
    everything = len(target.kinds) == len(NOTICE_KINDS)
    titles = "everything" if everything else ", ".join(NOTICE_KINDS.get(kind).title.lower() for kind in target.kinds)
    whose = [f"what concerns {md(target.person)}"] if target.person else []
    last = [f"last delivery {ago(target.delivered_at)}"] if target.delivered_at else []
    return [*where, titles, *whose, *last]
