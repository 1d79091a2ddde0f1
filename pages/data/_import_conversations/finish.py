"""Step 5 of Import conversations: the name, the import while it runs, and its dataset."""

from __future__ import annotations

import streamlit as st

from core.errors import StudioError
from core.services.data import chat_import, datasets
from core.services.data.results import ChatImportResult
from core.services.data.sources import SourceRecord
from core.services.platform import tasks
from core.services.platform.drafts import DraftRecord
from pages.data._import_conversations.filters import outcome
from pages.data._import_conversations.left_out import reasons
from pages.data._import_conversations.recap import recap
from pages.data._shared.created import created
from pages.data._shared.dataset_form import wizard_form
from pages.ui import components
from pages.ui.downloads import download
from pages.ui.format import number
from pages.ui.tasks.progress import ended_badly, follow
from pages.ui.wizard import ONWARD_KEYS


def under_way(draft: DraftRecord) -> bool:
    """Whether the draft became an import that is running or succeeded."""
    return bool(draft.result_id) and tasks.get_task(str(draft.result_id)).state not in ("failed", "cancelled")


def import_step(draft: DraftRecord, source: SourceRecord) -> tuple[DraftRecord, bool]:
    """Draw the step: the form, or the import and its result. True when it can start."""
    if draft.result_id:
        task = follow(draft.result_id)
        if not task.is_terminal:
            st.caption("You can leave this page; the import continues, and this address shows it again.")
            return draft, False
        if not ended_badly(task, "chat_import"):
            result = ChatImportResult.of(task)
            created(result, "chat_import")
            _account(result)
            if st.button("Import another log", type="tertiary", key="another"):
                st.query_params.clear()
                st.rerun()
            return draft, False
    main, side = st.columns([8, 5], gap="medium")
    with main:
        components.heading("The dataset")
        with st.container(border=True, gap="small", key="name_it"):
            draft, fits = wizard_form(draft, source.filename.replace("_", " "))
        st.caption(
            "Conversations may need cleanup and might include errors. The checks run right after the import; the "
            "dataset's Quality tab lists duplicates, leaks and unusual answers."
        )
    with side:
        plan = chat_import.plan(chat_import.choices(draft.state))
        components.heading("What will happen")
        with st.container(border=True, key="recap"):
            components.facts(recap(draft, source, plan))
        components.section_gap()
        outcome(plan, "import")
    return draft, fits and plan.imported > 0


def start_button(draft: DraftRecord, ready: bool) -> StudioError | None:
    """The button of the last step; returns why the import did not start. A draft starts once however often it is
    pressed."""
    if st.button(
        "Import as Dataset",
        type="primary",
        icon=":material/move_to_inbox:",
        disabled=not ready,
        shortcut=ONWARD_KEYS,
        key="import_now",
    ):
        try:
            chat_import.start(draft.id)
        except StudioError as error:
            return error
        st.rerun()
    return None


def _account(result: ChatImportResult) -> None:
    read, used, left = number(result.read), number(result.accepted), number(result.rejected)
    st.markdown(f"{read} messages read = **{used} imported** + {left} left out")
    facts = [f"{number(result.redacted)} redactions"]
    if result.edited:
        facts.append(f"{number(result.edited)} edited examples")
    st.caption(" · ".join(facts))
    if result.rejected:
        version = datasets.get_dataset(result.dataset_id).version
        with components.spread():
            st.header("Left out", anchor=False, width="content")
            download(
                "Download the messages left out",
                lambda: chat_import.left_out(f"{version.dataset_id}-v1"),
                file_name="left-out.jsonl",
                mime="application/jsonl",
                key="download_left_out",
                help="Every message that is not in an example, with the reason.",
            )
        reasons(dict(result.left), "done")
