"""Building blocks of every screen: headers, cards, tiles, rows. Screens use these, not raw styling.

Gray is what you had, blue is what tuning changed; green, amber and red only report a state.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.ui import navigation, states
from pages.ui.format import md, size
from pages.ui.theme import Color

T = TypeVar("T")
K = TypeVar("K")
SEARCH_FROM = 7  # items from which a search field helps


def badge_md(word: str, color: str = "gray", icon: str = "") -> str:
    """A badge inside a line of markdown; `icon` is a Material name."""
    return f":{color}-badge[{f':material/{icon}: ' if icon else ''}{word}]"


def page_header(title: str, lead: str = "", eyebrow: str | None = None) -> None:
    """The place in the app, the title of the screen, and one sentence on its purpose.

    `title` and `eyebrow` may contain markdown badges; escape user text with `format.md` first.
    """
    with st.container(gap="xxsmall"):
        if eyebrow:
            st.caption(eyebrow)
        st.title(title, anchor=False)
        if lead:
            st.markdown(f":gray[{lead}]")


@contextmanager
def header_row(title: str, lead: str = "", eyebrow: str | None = None, badge: str = "") -> Iterator[None]:
    """A page header with actions at its right: `with header_row("Jobs", "…"): st.button(…)`."""
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom", gap="small", key="page_head"
    ):
        with st.container(gap="xxsmall", width="stretch", key="page_head_text"):
            if eyebrow:
                st.caption(eyebrow)
            st.title(f"{title} {badge}".strip(), anchor=False)
            if lead:
                st.markdown(f":gray[{lead}]")
        with st.container(horizontal=True, width="content", gap="xsmall", key="page_head_actions"):
            yield


def heading(text: str, aside: str | None = None) -> None:
    """The title of a section, with an optional remark in gray at the right."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.header(text, anchor=False, width="content")
        if aside:
            st.caption(aside, width="content")


def large_icon(icon: str, key: str, color: Color = "gray") -> None:
    """A Material icon above an empty state, in the size of a title; a heading would be one more title of the screen."""
    with st.container(width="content", key=f"icon_{key}"):
        st.markdown(f":{color}[:material/{icon}:]", width="content")


def section_gap() -> None:
    """The space between two sections."""
    st.space("xsmall")


def spread(**options: Any) -> DeltaGenerator:
    """A row with its first element at the left and its last one at the right; `options` are those of `st.container`."""
    return st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", **options)


def divided(items: Iterable[T]) -> Iterator[T]:
    """The items, with a line drawn between two of them."""
    for index, item in enumerate(items):
        if index:
            st.divider()
        yield item


def switch(
    label: str, titles: Mapping[str, str], key: str, default: str | None = None, labeled: bool = False, **options: Any
) -> str:
    """A row of buttons of which one is always on, by default the first.

    Args:
        titles: the word on each button, by the value that is returned.
        labeled: show the label; otherwise only screen readers read it.
        options: those of `st.segmented_control`.
    """
    chosen: str = st.segmented_control(
        label,
        list(titles),
        default=next(iter(titles)) if default is None else default,
        required=True,
        format_func=titles.__getitem__,
        label_visibility="visible" if labeled else "collapsed",
        key=key,
        **options,
    )
    return chosen


def pick(label: str, titles: Mapping[K, str], key: str, value: K | None = None, **options: Any) -> K:
    """A list of titles to choose from, at first `value` or the first one; `options` are those of `st.selectbox`."""
    values: list[K | None] = list(titles)
    index = values.index(value) if value in titles else 0
    chosen: K = st.selectbox(label, list(titles), index=index, format_func=titles.__getitem__, key=key, **options)
    return chosen


def searched(items: Sequence[T], name: Callable[[T], str], key: str) -> Sequence[T]:
    """The items whose names contain what is typed into a search field; it is there from SEARCH_FROM items on."""
    if len(items) < SEARCH_FROM:
        return items
    text = st.text_input("Search", placeholder="Search by name", label_visibility="collapsed", key=key)
    return [item for item in items if text.strip().lower() in name(item).lower()]


def first_of_page(total: int, per_page: int, key: str) -> int:
    """The index of the first item of the page that is chosen under a list (`pages`)."""
    return (_page(total, per_page, key) - 1) * per_page


def _page(total: int, per_page: int, key: str) -> int:
    """The chosen page; the last one of a list that has become shorter."""
    return min(int(st.session_state.get(key) or 1), max(1, -(-total // per_page)))


def page_of(items: Sequence[T], per_page: int, key: str) -> Sequence[T]:
    """The items of the page that is chosen under a list (`pages`)."""
    first = first_of_page(len(items), per_page, key)
    return items[first : first + per_page]


def pages(total: int, per_page: int, key: str) -> None:
    """The page numbers under a list, if it has more than one page."""
    if total > per_page:
        with st.container(horizontal_alignment="center"):
            # The default replaces a page that no longer exists. Writing to the session state instead would make
            # Streamlit warn in the log that the page has two sources.
            st.pagination(-(-total // per_page), default=_page(total, per_page, key), key=key)


def empty(
    icon: str,
    title: str,
    text: str,
    action: str,
    key: str,
    primary: bool = True,
    opens: str = "",
    query: Mapping[str, str] | None = None,
    others: Sequence[tuple[str, str]] = (),
) -> bool:
    """An empty state: what is missing, why it matters, and one action. Returns True when the action is pressed.

    `opens` names the screen that the action opens, with `query` in its address; `others` are further ways, each a label
    and a screen.
    """
    with st.container(
        border=True, horizontal_alignment="center", vertical_alignment="center", gap="xsmall", key=f"empty_{key}"
    ):
        st.space("small")
        large_icon(icon, key)
        st.markdown(f"**{title}**", width="content", text_alignment="center")
        st.caption(text, width=300, text_alignment="center")
        st.space("xxsmall")
        with st.container(horizontal=True, horizontal_alignment="center", gap="small"):
            hit = st.button(action, key=f"empty_btn_{key}", type="primary" if primary else "secondary")
            for label, screen in others:
                navigation.button(label, screen, key=f"empty_{screen}_{key}")
        st.space("small")
    if hit and opens:
        navigation.go(opens, query)
    return hit


def choice_card(
    key: str,
    title: str,
    text: str,
    *,
    icon: str,
    on: bool,
    color: Color | None = None,
    tag: str | None = None,
    tag_color: Color = "gray",
    facts: str | None = None,
    claims: Sequence[str] = (),
    note: str = "",
    wide: bool = False,
) -> bool:
    """One option among several; returns True when it is picked. The selected one has the accent edge and says so.

    Args:
        color: of the icon; by default that of the text.
        facts: markdown.
        wide: the card is as wide as two: its claims are side by side.
    """
    with st.container(
        border=True,
        height="stretch",
        vertical_alignment="distribute",
        gap="xsmall",
        key=f"{'on' if on else 'off'}_{key}",
    ):
        with st.container(gap=None):
            with st.container(
                horizontal=True,
                vertical_alignment="top",  # a long title takes more lines than the button
                wrap=False,
                horizontal_alignment="distribute",
                gap="xsmall",
            ):
                mark = f":{color}[:material/{icon}:]" if color else f":material/{icon}:"
                st.markdown(f"**{mark} {title}**", width="stretch")
                hit = st.button(
                    ":blue[Selected]" if on else "Select",
                    key=f"pick_{key}",
                    type="tertiary",
                    icon=":material/check:" if on else None,
                )
            st.caption(text)
            if claims or note:
                with st.container(horizontal=wide, gap="small" if wide else None, key=f"points_{key}"):
                    for claim in claims:
                        st.caption(f":material/check_small: {claim}", width="content" if wide else "stretch")
                    if note:
                        st.caption(f":material/dns: {note}", width="content" if wide else "stretch")
        if facts or tag:
            with spread(gap="xsmall", key=f"foot_{key}"):
                st.markdown(f":small[{facts or ''}]", width="content")
                if tag:
                    st.badge(tag, color=tag_color)
    return hit


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure: `delta_color` is gray for volume, inverse when lower is better."""

    label: str
    value: str
    delta: str | None = None
    delta_color: Literal["normal", "inverse", "off"] | Color = "gray"
    note: str | None = None  # what the delta compares with: "base 52%"
    chart: Sequence[float] | None = None
    help: str | None = None
    arrow: Literal["auto", "off"] = "auto"


_MAX_PER_ROW = 5  # of six, the longer names would be cut


def tiles(items: Sequence[Tile], key: str | None = None) -> None:
    """Metric tiles in one row, or in two rows if there are more than five; two side by side on a narrow screen."""
    per_row = len(items) if len(items) <= _MAX_PER_ROW else -(-len(items) // 2)
    # Flat lines show nothing, except beside a tile with a curve: then all tiles have the same parts.
    drawn = any(len(set(item.chart or ())) > 1 for item in items)
    with st.grid(per_row, min_column_width=150, key=key):
        for item in items:
            st.metric(
                item.label,
                item.value,
                item.delta,
                delta_color=item.delta_color,
                delta_arrow=item.arrow,
                delta_description=item.note,
                help=item.help,
                border=True,
                height="stretch",
                chart_data=list(item.chart) if item.chart and drawn else None,
                chart_type="area",
            )


def facts(pairs: Sequence[tuple[str, str]]) -> None:
    """Names and values, one pair per line. Values are shown verbatim."""
    rows = "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(str(value))}</dd>" for name, value in pairs)
    st.html(f'<dl class="studio-facts">{rows}</dl>')  # every name and value is escaped above


def list_row(
    title: str,
    caption: str,
    *,
    aside: str = "",
    state: str | None = None,
    link: tuple[str | Path, dict[str, str]] | None = None,
) -> None:
    """One row of a list in a card: title and caption at the left, a remark and a state badge at the right.

    `link` is `(page, query_params)`: the title links to it.
    """
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="small", wrap=False
    ):
        with st.container(gap=None, width="stretch"):
            if link:
                page, query = link
                st.page_link(page, label=f"**{md(title)}**", query_params=query)
            else:
                st.markdown(f"**{md(title)}**")
            st.caption(caption)
        if aside:
            st.caption(aside, width="content")
        if state:
            states.badge(state)


def pair(question: str, answer: str, *, key: str, note: str = "") -> None:
    """A labeled example as a card: INPUT in gray, OUTPUT in blue, both verbatim."""
    with st.container(border=True, gap="xsmall", key=f"pair_{key}"):
        if note:
            st.caption(note)
        st.caption("INPUT")
        st.text(question)
        st.markdown(":small[:blue[OUTPUT]]")
        st.text(answer)


def memory_bar(parts: Sequence[tuple[str, float]], total: float, shades: Sequence[int] = ()) -> None:
    """A stacked bar with its legend, in bytes. If the parts exceed `total`, the bar has a red edge and a line says how
    much is missing.

    `shades` are the colors of the parts: 1 to 5 of the accent, 6 is gray. By default the parts rotate through 1 to 5.
    """
    used = sum(value for _, value in parts)
    scale = max(total, used, 1.0)
    colored = list(zip(parts, shades or [index % 5 + 1 for index in range(len(parts))], strict=True))
    bar = "".join(
        f'<div class="studio-m{shade}" style="width:{100 * value / scale:.1f}%"></div>' for (_, value), shade in colored
    )
    rows = "".join(
        f'<i class="studio-m{shade}"></i><span>{html.escape(name)}</span><b>{size(value)}</b>'
        for (name, value), shade in colored
    )
    over = used > total
    if over:
        rows += f'<i class="studio-over"></i><span class="studio-lacks">Missing</span><b>{size(used - total)}</b>'
    else:
        rows += f'<i class="studio-m0"></i><span>Free</span><b>{size(total - used)}</b>'
    label = f"{size(used)} of {size(total)} used"
    kind = "studio-bar studio-bar-over" if over else "studio-bar"
    st.html(f'<div class="{kind}" role="img" aria-label="{label}">{bar}</div><div class="studio-rows">{rows}</div>')
