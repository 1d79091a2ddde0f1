"""The Render preview tab: one example in the chat template of a base model, token by token."""

from __future__ import annotations

import streamlit as st

from core.services.data import render_preview
from core.services.data.datasets import DatasetRecord
from core.services.data.render_preview import BaseChoice, MessagePart, Piece, RenderPreview
from pages.ui import components
from pages.ui.escaping import escaped
from pages.ui.format import md, number, percent, plural

PER_PAGE = 1_500  # pieces of text drawn at once
_ROLES = {"system": "Context", "user": "Input", "assistant": "Output", "tool": "Tool result"}
_LEGEND = (
    ("loss", "Learned: counts toward the loss"),
    ("read", "Read, not learned"),
    ("frame", "Written by the chat template"),
    ("off", "Beyond the maximum length"),
)


def panel(dataset: DatasetRecord) -> None:
    """Choose a base model and an example; see its text, its tokens, and which of them count toward the loss."""
    version = dataset.version
    bases = render_preview.bases()
    if not bases:
        _no_base()
        return
    base, position, length, only = _choices(dataset, bases)
    preview = render_preview.preview(version.id, position, base.id, max_length=length, completion_only=only)
    _figures(preview)
    main, side = st.columns([8, 5], gap="medium")
    with main:
        components.heading("As the model sees it", "hover over a token for its number")
        _text(preview, f"{version.id}_{position}_{base.id}")
    with side:
        components.heading("Message by message", "tokens")
        _parts(preview)


def _no_base() -> None:
    components.empty(
        "deployed_code",
        "No base models yet",
        "What a model reads depends on its chat template. Build the starter model (a few minutes), or add another.",
        "Choose a base model",
        "render",
        primary=False,
        opens="new_job",
    )


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
            help=f"Training keeps this many tokens of an example; {md(base.title)} supports {base.most_tokens:,}.",
        )
        only = st.toggle(
            "Learn outputs only",
            value=True,
            key=f"seen_only_{dataset.id}",
            help="On (usual): only the assistant's messages count toward the loss. Off: the full conversation.",
        )
    return base, int(shown) - 1, int(length), only


def _figures(preview: RenderPreview) -> None:
    share = preview.loss_tokens / preview.tokens if preview.tokens else 0
    components.tiles(
        [
            components.Tile("Tokens", number(preview.tokens), help="Everything the model reads of this example."),
            components.Tile(
                "Learned",
                number(preview.loss_tokens),
                percent(share),
                arrow="off",
                help="Tokens that count toward the loss: the model is trained to write them.",
            ),
            components.Tile(
                "Chat template",
                number(preview.template_tokens),
                help="Tokens that the template adds around the messages.",
            ),
            components.Tile(
                "Beyond the maximum",
                number(preview.beyond),
                f"of {number(preview.max_length)}" if preview.beyond else None,
                delta_color="red" if preview.beyond else "gray",
                arrow="off",
                help="Cut off before training.",
            ),
        ],
        key="seen_tiles",
    )
    if preview.answer_lost and any(part.role == "assistant" and part.weight != 0 for part in preview.parts):
        st.markdown(
            ":red[:material/error: The output lies beyond the maximum length.] "
            "The model would learn nothing from this example: raise the maximum length, or shorten its input."
        )
    elif preview.answer_lost:
        st.markdown(
            ":orange[:material/warning: Every output has weight 0.] The model reads this example and learns nothing."
        )
    elif preview.beyond:
        st.markdown(
            f":orange[:material/warning: The last {plural(preview.beyond, 'token')} would be cut off.] "
            "The model would not learn how the output ends."
        )


def _tools(preview: RenderPreview) -> None:
    """The example's tools, and whether the model reads them."""
    if not preview.tools:
        return
    with components.spread(gap="xsmall"):
        names = " ".join(components.badge_md(md(name, 40), "gray", "build") for name in preview.tools[:8])
        more = f" and {len(preview.tools) - 8:,} more" if len(preview.tools) > 8 else ""
        st.markdown(f"Tools {names}{more}", width="stretch")
        st.markdown(number(preview.tool_tokens), width="content")
    if not preview.takes_tools:
        st.markdown(
            ":orange[:material/warning: This chat template does not take tools.] The model never reads their schemas: "
            "choose another base model, or describe the tools in the context."
        )


def _text(preview: RenderPreview, key: str) -> None:
    pages = -(-len(preview.pieces) // PER_PAGE)
    slot = st.container(border=True, gap="small", key="seen_text")
    current = 1
    if pages > 1:
        with st.container(horizontal_alignment="center"):
            current = int(st.pagination(pages, key=f"seen_page_{key}"))
    shown = preview.pieces[(current - 1) * PER_PAGE : current * PER_PAGE]
    legend = "".join(f'<span><i class="seen-{name}"></i>{words}</span>' for name, words in _LEGEND)
    body = "".join(_span(piece, number, preview.parts) for number, piece in enumerate(shown))
    with slot:
        st.html(f'<div class="seen-legend">{legend}</div><div class="seen" dir="auto">{body}</div>')


def _span(piece: Piece, turn: int, parts: tuple[MessagePart, ...]) -> str:
    """One token as HTML, its text escaped and its invisible characters named."""
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
    numbers = f"Token {last}" if len(piece.ids) == 1 else f"Tokens {piece.first + 1} to {last}"
    ids = ", ".join(map(str, piece.ids[:6]))
    text = escaped(piece.text).replace("\n", "↵\n").replace("\t", "→\t")
    return f'<span class="{names}" title="{numbers} · id {ids} · {owner}">{text}</span>'


def _parts(preview: RenderPreview) -> None:
    with st.container(border=True, gap="xsmall", key="seen_parts"):
        for part in preview.parts:
            _part(part)
        _tools(preview)
        st.divider()
        with components.spread():
            st.caption("Chat template", width="content")
            st.caption(number(preview.template_tokens - preview.tool_tokens), width="content")
        with components.spread():
            st.markdown("**Total**", width="content")
            st.markdown(f"**{number(preview.tokens)}**", width="content")


def _part(part: MessagePart) -> None:
    badges = []
    if part.weight == 0:
        badges.append(components.badge_md("weight 0", "orange"))
    if part.loss_tokens:
        badges.append(components.badge_md(f"{part.loss_tokens:,} learned", "blue"))
    badges += [components.badge_md(f"calls {md(name, 40)}", "gray", "build") for name in part.calls]
    if not part.found:
        badges.append(components.badge_md("not shown by the template", "orange"))
    with components.spread(gap="xsmall"):
        title = _ROLES.get(part.role) or md(part.role)
        st.markdown(f"{part.index + 1}. {title} {' '.join(badges)}", width="stretch")
        st.markdown(number(part.tokens), width="content")
