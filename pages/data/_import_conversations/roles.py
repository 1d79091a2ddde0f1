"""Step 2 of Import conversations: how the log is read, and which speakers are user and assistant."""

from __future__ import annotations

from zoneinfo import available_timezones

import streamlit as st

from core.errors import DataError
from core.services.data import chat_import
from core.services.data.chat_import import ChatSummary, Direction, ReadOptions, Speaker, review_list as chat_review
from core.services.data.sources import SourceRecord
from core.services.platform.drafts import DraftRecord
from pages.data._import_conversations.draft import reading, recipe
from pages.data._import_conversations.left_out import notes, reasons
from pages.ui import components
from pages.ui.escaping import visible
from pages.ui.format import day, md, number, plural, short, size
from pages.ui.wizard.draft_state import key, save

_PARTS = {"user": "User (input)", "assistant": "Assistant (output)", "system": "Instructions", "leave": "Leave out"}
_BY_ORDER = {"": "Include", "system": "Instructions", "leave": "Leave out"}
_SHOWN = 12
_TALKS = 2  # conversations on a page
_DAYS = {None: "Detect", True: "Day first: 31/01", False: "Month first: 01/31"}


def roles_step(draft: DraftRecord, source: SourceRecord) -> tuple[DraftRecord, bool]:
    """Draw the step. True when the log has a conversation."""
    draft = _how_read(draft, source)
    chosen = chat_import.choices(draft.state)
    try:
        with st.spinner("Reading the conversations"):
            log = chat_import.summary(source.id, chosen.options)
    except DataError as error:
        if error.field in ("speaker", "text"):
            st.markdown(f":orange[:material/arrow_upward: {md(error.message)}] {md(error.remedy)}")
            return draft, False
        raise
    if not draft.state.get("recipe"):
        draft = save(draft, recipe=chat_review.suggested(source.id, log))
    _tiles(log)
    main, side = st.columns([8, 5], gap="medium")
    with main:
        draft = _speakers(draft, log)
        components.section_gap()
        components.heading("Conversations as read", plural(log.conversations, "conversation"))
        _sample(draft, log)
    with side:
        components.heading("Left out while reading", plural(sum(log.left.values()), "message"))
        reasons(log.left, "reading")
        notes(log.notes)
    return draft, log.conversations > 0


def _how_read(draft: DraftRecord, source: SourceRecord) -> DraftRecord:
    formats = {item.id: item for item in chat_import.formats()}
    with st.container(border=True, gap="small", key="how_read"):
        with components.spread():
            with st.container(gap=None, width="stretch", key="rowtext_chat_file"):
                st.markdown(f"**:material/forum: {md(source.filename, 60)}**")
                st.caption(f"{size(source.size_bytes)} · detected from its content")
            picked = components.pick(
                "Read as",
                {item.id: item.title for item in formats.values()},
                key(draft, f"format_{source.format}"),
                source.format,
                width=240,
                help="The app that created the export. Change it when the detection is wrong.",
            )
        if picked != source.format:
            changed = chat_import.set_format(source.id, picked)
            hints = chat_import.hints(changed.id)
            save(draft, reading=hints.options.model_dump(exclude_defaults=True), recipe=None)
            st.rerun()
        return _options(draft, source, formats[source.format].options)


def _options(draft: DraftRecord, source: SourceRecord, names: tuple[str, ...]) -> DraftRecord:
    """The reading options of this export."""
    if not names:
        return draft
    now = chat_import.choices(draft.state).options
    columns = {"": "None"}
    if "speaker" in names:
        columns |= {column: visible(column) or "None" for column in chat_import.hints(source.id).columns}
    timeless = "time" in names and not now.time
    out: dict[str, object] = {}
    with st.grid(4, min_column_width=170):
        for name in names:
            field = ReadOptions.model_fields[name]
            value = getattr(now, name)
            label, help_ = str(field.title), field.description
            if name in ("conversation", "speaker", "text", "time"):
                out[name] = components.pick(label, columns, key(draft, f"col_{name}"), value, help=help_)
            elif name == "zone":
                zones = sorted(available_timezones() | {"UTC", value})
                out[name] = st.selectbox(
                    label, zones, index=zones.index(value), key=key(draft, "zone"), help=help_, disabled=timeless
                )
            elif name == "day_first":
                out[name] = components.pick(label, _DAYS, key(draft, "day_first"), value, help=help_, disabled=timeless)
            elif name == "direction":
                out[name] = components.pick(label, chat_import.DIRECTIONS, key(draft, "direction"), value, help=help_)
            elif name == "gap_minutes":
                unused = "conversation" in names and bool(now.conversation)
                out[name] = st.number_input(
                    "Split at pauses (minutes)",
                    0,
                    100_000,
                    value,
                    step=10,
                    key=key(draft, "gap"),
                    help="Not used: the log names the conversation of each message." if unused else help_,
                    disabled=unused,
                )
            else:
                out[name] = st.toggle(label, value=value, key=key(draft, name), help=help_)
    return reading(draft, **out)


def _tiles(log: ChatSummary) -> None:
    dates = None
    if log.began is not None and log.ended is not None:
        dates = f"{day(log.began)} to {day(log.ended)}"
    components.tiles(
        [
            components.Tile("Conversations", number(log.conversations)),
            components.Tile(
                "Messages read", number(log.messages), help="Everything in the log that could be a message."
            ),
            components.Tile("In conversations", number(log.kept)),
            components.Tile("Speakers", number(log.speakers_total)),
        ],
        key="chat_tiles",
    )
    st.caption(
        f"{number(log.messages)} messages read = {number(log.kept)} in conversations + "
        f"{number(sum(log.left.values()))} left out{f' · {dates}' if dates else ''}"
    )
    if log.direction is not None:
        _direction(log.direction)
    components.section_gap()


def _direction(direction: Direction) -> None:
    """The order in which messages were read, with what shows it."""
    text = f"Order of messages. {md(direction.text)}"
    if direction.undecided:
        text += f" {plural(direction.undecided, 'conversation')} left out: choose the order to use them."
    if direction.is_clear:
        st.caption(f":material/swap_vert: {text}")
    else:
        st.markdown(f":orange[:material/warning: {text}] Compare the conversations below with the log.")


def _speakers(draft: DraftRecord, log: ChatSummary) -> DraftRecord:
    state = draft.state["recipe"]
    components.heading("Speakers", "inputs are what to handle, outputs how to respond")
    by_order = st.toggle(
        "The first speaker is the user",
        value=bool(state.get("by_order")),
        key=key(draft, "by_order"),
        help="In each conversation, the first to write is the user and everyone else the assistant: for channels and "
        "help desks where many people ask and many answer.",
    )
    roles = dict(state.get("roles") or {})
    everyone = st.session_state.get("all_speakers", False)
    shown = log.speakers if everyone else log.speakers[:_SHOWN]
    with st.container(border=True, gap="xsmall", key="speakers"):
        for speaker in components.divided(shown):
            part = _speaker(draft, speaker, roles.get(speaker.id), by_order, str(state.get("others") or "leave"))
            if part:
                roles[speaker.id] = part
            else:
                roles.pop(speaker.id, None)
    hidden = len(log.speakers) - len(shown)
    if hidden and st.button(f"Show {hidden:,} more speakers", type="tertiary", key="more_speakers"):
        st.session_state["all_speakers"] = True
        st.rerun()
    others = str(state.get("others") or "leave")
    rest = log.speakers_total - len(log.speakers)
    if not by_order and (rest or others != "leave"):
        label = f"Everyone else ({plural(rest, 'speaker')})" if rest else "Speakers without a role"
        others = components.pick(label, _PARTS, key(draft, "others"), others, width=300)
    changed = recipe(draft, by_order=by_order, roles=roles, others=others)
    if not by_order and not _both(log, roles, others):
        st.markdown(
            ":orange[:material/warning: An example needs an input and an output.] "
            "Make at least one speaker the user and one the assistant."
        )
    return changed


def _both(log: ChatSummary, roles: dict[str, str], others: str) -> bool:
    parts = {roles.get(speaker.id, others) for speaker in log.speakers}
    return {"user", "assistant"} <= (parts | ({others} if log.speakers_total > len(log.speakers) else set()))


def _speaker(draft: DraftRecord, speaker: Speaker, part: str | None, by_order: bool, others: str) -> str:
    """One speaker's row. Returns the chosen role, or "" for the default."""
    facts = [plural(speaker.messages, "message")]
    if speaker.begins:
        facts.append(f"started {plural(speaker.begins, 'conversation')}")
    if speaker.bot:
        facts.append("bot")
    options = _BY_ORDER if by_order else _PARTS
    now = part if part in options else ("" if by_order else others)
    with components.spread(gap="small"):
        with st.container(gap=None, width="stretch"):
            st.markdown(f"**{md(speaker.name, 60)}**")
            st.caption(" · ".join(facts))
        picked = components.pick(
            f"Role of {md(speaker.name, 60)}",
            options,
            key(draft, f"part_{'o' if by_order else 'r'}_{speaker.id}"),
            now,
            label_visibility="collapsed",
            width=180,
        )
    if by_order:
        return picked or (part if part in ("user", "assistant") else "")
    return "" if picked == others and part is None else picked


def _sample(draft: DraftRecord, log: ChatSummary) -> None:
    chosen = chat_import.choices(draft.state)
    names = {speaker.id: speaker.name for speaker in log.speakers}
    slot = f"talks_page_{draft.id}"
    first = components.first_of_page(log.conversations, _TALKS, slot)
    with st.grid(2, min_column_width=280):
        for number_, talk in enumerate(chat_import.sample(draft.state["source_id"], chosen.options, _TALKS, first)):
            with st.container(border=True, gap="xsmall", key=f"talk_{number_}"):
                conversation = talk.conversation
                st.caption(md(visible(conversation.title) or conversation.id, 80))
                for turn in conversation.turns[:6]:
                    st.markdown(f":small[:gray[{md(visible(names.get(turn.speaker, turn.speaker)), 40)}]]")
                    st.text(short(visible(turn.text), 240))
                if len(conversation.turns) > 6:
                    st.caption(f"and {plural(len(conversation.turns) - 6, 'message')} more")
    components.pages(log.conversations, _TALKS, slot)
