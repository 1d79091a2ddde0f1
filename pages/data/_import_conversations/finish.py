"""Step 5 of importing conversations: a name, the import live, and the dataset with its accounts at the end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import streamlit as st

from core.errors import StudioError
from core.services.data import chat_import, datasets
from core.services.data.chat_import.reading import ChatSource
from core.services.platform import tasks
from core.services.platform.drafts import DraftRecord
from pages.data._import_conversations.draft import key, save
from pages.data._import_conversations.filters import outcome
from pages.data._import_conversations.parts import reasons
from pages.data._upload.parts import done
from pages.ui import face
from pages.ui.boundary import show_error
from pages.ui.format import number
from pages.ui.progress import ended_badly, follow

_SHARES = {"auto": "Decided by size", "0": "Nothing", "0.1": "10%", "0.2": "20%"}


def under_way(draft: DraftRecord) -> bool:
    """Whether the draft has become an import that runs or has ended well."""
    return bool(draft.result_id) and tasks.get_task(str(draft.result_id)).state not in ("failed", "cancelled")


def import_step(draft: DraftRecord, source: ChatSource) -> tuple[DraftRecord, bool]:
    """Draw the step: the form, or the import and its end."""
    if draft.result_id:
        task = follow(draft.result_id)
        if not task.is_terminal:
            st.caption("You can leave this page; the import goes on, and this address comes back to it.")
            return draft, False
        if not ended_badly(task, "chat_import"):
            done(task.result, "chat_import")
            _account(task.result)
            if st.button("Import another log", type="tertiary", key="another"):
                st.query_params.clear()
                st.rerun()
            return draft, False
    main, side = st.columns([8, 5], gap="medium")
    with main:
        face.heading("The dataset")
        draft = _form(draft, source)
        st.caption(
            "Conversations are raw material: they may need cleanup, and answers might include errors. The dataset's "
            "checks run at once; its quality screen finds duplicates, leaks and odd answers."
        )
    with side:
        found = chat_import.plan(chat_import.choices(draft.state))
        outcome(found, "import")
    return draft, found.imported > 0


def start_button(draft: DraftRecord, ready: bool) -> None:
    """The one button of the last step; a draft starts once, however often it is pressed."""
    if st.button(
        "Import as Dataset", type="primary", icon=":material/move_to_inbox:", disabled=not ready, key="import_now"
    ):
        try:
            chat_import.start(draft.id)
        except StudioError as error:
            st.session_state["import_problem"] = error
        else:
            st.session_state.pop("import_problem", None)
        st.rerun()


def _form(draft: DraftRecord, source: ChatSource) -> DraftRecord:
    state = draft.state
    with st.container(border=True, gap="small", key="name_it"):
        name = st.text_input(
            "Name",
            value=state.get("name") or PurePath(source.filename).stem.replace("_", " "),
            max_chars=120,
            key=key(draft, "name"),
        )
        problem = st.session_state.get("import_problem")
        if problem is not None:
            show_error(problem)
        description = st.text_area(
            "Description",
            value=state.get("description") or "",
            placeholder="What these examples teach",
            height=80,
            key=key(draft, "description"),
        )
        kept = state.get("hold_out")
        share = st.segmented_control(
            "Hold out for validation",
            list(_SHARES),
            default="auto" if kept is None else f"{kept:g}",
            required=True,
            format_func=_SHARES.__getitem__,
            key=key(draft, "hold_out"),
            help="Held-out examples are never trained on and show whether the model learned or memorised. Decided by "
            "size: nothing below 200 examples, since facts that were never shown cannot be learnt.",
        )
        held = None if share in (None, "auto") else float(share)
    return save(draft, name=name, description=description, hold_out=held)


def _account(result: Mapping[str, Any]) -> None:
    read, used, left = (int(result.get(name) or 0) for name in ("read", "accepted", "rejected"))
    st.markdown(f"{number(read)} messages read = **{number(used)} imported** + {number(left)} left out")
    told = [f"{number(int(result.get('redacted') or 0))} places redacted"]
    if result.get("edited"):
        told.append(f"{number(int(result['edited']))} examples as you edited them")
    st.caption(" · ".join(told))
    if left:
        version = datasets.get_dataset(str(result["dataset_id"])).version
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.subheader("Left out", anchor=False, width="content")
            st.download_button(
                "Download what was left out",
                data=lambda: chat_import.left_out(f"{version.dataset_id}-v1"),
                file_name="left-out.jsonl",
                mime="application/jsonl",
                icon=":material/download:",
                on_click="ignore",
                key="download_left_out",
                help="Every message that is in no example, with its reason.",
            )
        reasons({str(reason): int(count) for reason, count in dict(result.get("left") or {}).items()}, "done")
