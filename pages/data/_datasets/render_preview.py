"""What the model sees: one example through the chat template of a base model, token by token."""

from __future__ import annotations

import streamlit as st

from core.errors import StudioError
from core.services.data import render_preview
from core.services.data.datasets import DatasetRecord
from core.services.data.render_preview import BaseChoice, MessagePart, Piece, RenderPreview
from pages.ui import components, navigation
from pages.ui.errors import show_error
from pages.ui.escaping import escaped
from pages.ui.format import md, number, percent, plural

PER_PAGE = 1_500  # pieces of text that are drawn at once
_ROLES = {"system": "Context", "user": "Input", "assistant": "Output", "tool": "Tool result"}
_LEGEND = (
    ("loss", "Learnt: loss falls here"),
    ("read", "Read, not learnt"),
    ("frame", "Written by the chat template"),
    ("off", "Beyond the maximum length"),
)


def panel(dataset: DatasetRecord) -> None:
    """Choose a base model and an example; see its text, tokens, and where the loss falls."""
    version = dataset.version
    bases = render_preview.bases()
    if not bases:
        _no_base()
        return
    base, position, length, only = _choices(dataset, bases)
    try:
        found = render_preview.preview(version.id, position, base.id, max_length=length, completion_only=only)
    except StudioError as error:
        show_error(error)
        return
    _figures(found)
    main, side = st.columns([8, 5], gap="medium")
    with main:
        components.heading("As the model sees it", "hover over a token for its number")
        _text(found, f"{version.id}_{position}_{base.id}")
    with side:
        components.heading("Message by message", "tokens")
        _parts(found)


def _no_base() -> None:
    if components.empty(
        "deployed_code",
        "No base model is here yet",
        "What a model sees depends on its chat template. Build the starter (about a minute), or bring a model.",
        "Choose a base model",
        "render",
        primary=False,
    ):
        st.switch_page(navigation.page_file("new_job"))


def _choices(dataset: DatasetRecord, bases: list[BaseChoice]) -> tuple[BaseChoice, int, int, bool]:
    total = max(dataset.version.examples, 1)
    key = f"seen_{dataset.version.id}"
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="seen_choices"):
        base = st.selectbox(
            "Base model",
            bases,
            format_func=lambda item: f"{item.title} · {item.note}" if item.note else item.title,
            key=f"seen_base_{dataset.id}",
            width=300,
            help="Each base model has its own chat template and its own tokens.",
        )
        shown = st.number_input("Example", 1, total, key=key, width=130, help=f"1 to {total:,}")
        length = st.number_input(
            "Maximum length",
            16,
            max(base.most_tokens, 16),
            min(render_preview.MAX_SEQ_LENGTH, base.most_tokens),
            step=64,
            key=f"seen_length_{base.id}",
            width=150,
            help=f"Training keeps this many tokens of an example; {base.title} was made for {base.most_tokens:,}.",
        )
        only = st.toggle(
            "Learn outputs only",
            value=True,
            key=f"seen_only_{dataset.id}",
            help="The usual way: loss falls on what the assistant writes. Off: on the whole conversation.",
        )
    return base, int(shown) - 1, int(length), only


def _figures(found: RenderPreview) -> None:
    share = found.loss_tokens / found.tokens if found.tokens else 0
    components.tiles(
        [
            components.Tile("Tokens", number(found.tokens), help="All that the model reads of this example."),
            components.Tile(
                "Learnt from",
                number(found.loss_tokens),
                percent(share),
                arrow="off",
                help="Tokens that carry loss: the model is trained to write them.",
            ),
            components.Tile(
                "Chat template",
                number(found.template_tokens),
                help="Tokens that the template writes around the messages.",
            ),
            components.Tile(
                "Beyond the maximum",
                number(found.beyond),
                f"of {number(found.max_length)}" if found.beyond else None,
                delta_color="red" if found.beyond else "gray",
                arrow="off",
                help="Cut off before training.",
            ),
        ],
        key="seen_tiles",
    )
    if found.answer_lost and any(part.role == "assistant" and part.weight != 0 for part in found.parts):
        st.markdown(
            ":red[:material/error: Nothing of the output is left within the maximum length.] "
            "This example would teach nothing: raise the maximum length, or shorten its input."
        )
    elif found.answer_lost:
        st.markdown(
            ":orange[:material/warning: Every output has weight 0.] The model reads this example and learns nothing."
        )
    elif found.beyond:
        st.markdown(
            f":orange[:material/warning: The last {plural(found.beyond, 'token')} would be cut off.] "
            "The output ends before its end is learnt."
        )


def _text(found: RenderPreview, key: str) -> None:
    pages = -(-len(found.pieces) // PER_PAGE)
    slot = st.container(border=True, gap="small", key="seen_text")
    current = 1
    if pages > 1:
        with st.container(horizontal_alignment="center"):
            current = int(st.pagination(pages, key=f"seen_page_{key}"))
    shown = found.pieces[(current - 1) * PER_PAGE : current * PER_PAGE]
    legend = "".join(f'<span><i class="seen-{name}"></i>{words}</span>' for name, words in _LEGEND)
    body = "".join(_span(piece, number, found.parts) for number, piece in enumerate(shown))
    with slot:
        st.html(f'<div class="seen-legend">{legend}</div><div class="seen" dir="auto">{body}</div>')


def _span(piece: Piece, turn: int, parts: tuple[MessagePart, ...]) -> str:
    """One token as markup: its text is escaped, its characters that are not seen are named."""
    if piece.message is None:
        kind, owner = "frame", "chat template"
    else:
        part = parts[piece.message]
        kind, owner = ("loss" if piece.loss else "read"), f"message {part.index + 1}, {part.role}"
        owner += ", weight 0" if part.weight == 0 else ""
    if piece.loss:
        kind = "loss"
    names = f"seen-{kind} seen-{'odd' if turn % 2 else 'even'}"
    names += " seen-special" if piece.special else ""
    names += " seen-off" if piece.beyond else ""
    last = piece.first + len(piece.ids)
    told = f"Token {last}" if len(piece.ids) == 1 else f"Tokens {piece.first + 1} to {last}"
    ids = ", ".join(map(str, piece.ids[:6]))
    text = escaped(piece.text).replace("\n", "↵\n").replace("\t", "→\t")
    return f'<span class="{names}" title="{told} · id {ids} · {owner}">{text}</span>'


def _parts(found: RenderPreview) -> None:
    with st.container(border=True, gap="xsmall", key="seen_parts"):
        for part in found.parts:
            _part(part)
        st.divider()
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.caption("Chat template", width="content")
            st.caption(number(found.template_tokens), width="content")
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown("**Together**", width="content")
            st.markdown(f"**{number(found.tokens)}**", width="content")


def _part(part: MessagePart) -> None:
    badges = []
    if part.weight == 0:
        badges.append(components.badge_md("weight 0", "orange"))
    if part.loss_tokens:
        badges.append(components.badge_md(f"{part.loss_tokens:,} learnt", "blue"))
    badges += [components.badge_md(f"calls {md(name, 40)}", "gray", "build") for name in part.calls]
    if not part.found:
        badges.append(components.badge_md("not shown by the template", "orange"))
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="xsmall"):
        title = _ROLES.get(part.role, part.role)
        st.markdown(f"{part.index + 1}. {title} {' '.join(badges)}", width="stretch")
        st.markdown(number(part.tokens), width="content")
