"""What a file's fields become, before anything is created: which are used, which are left out, and what to decide."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from core.services.data import conversion
from core.services.data.conversion import Account
from pages.ui.format import md_code, number, plural, sentence

_NAMED = 12  # fields in one line


@st.cache_data(max_entries=64, show_spinner="Comparing the fields with the examples")
def _account(source_id: str, state: Mapping[str, Any], _way: str) -> Account:
    return conversion.account(source_id, state)


def account_of(source_id: str, state: Mapping[str, Any], way: str) -> Account:
    """The account of an upload; `way` is how the file is read, so that another way is another account."""
    recipe = {name: state.get(name) for name in ("shape", "template", "mapping", "options")}
    return _account(source_id, recipe, way)


def shape_choices(found: Account, options: Mapping[str, str], key_of: Callable[[str], str]) -> dict[str, str]:
    """Draw what the user decides about the shape of a file. Returns the choices."""
    chosen = dict(options)
    for offer in found.offers:
        choice = offer.choice
        values = list(offer.values) if choice.default else ["", *offer.values]
        now = chosen.get(choice.id) or choice.default
        labels = {"": "Not chosen", **offer.values}
        index = values.index(now) if now in values else 0
        chosen[choice.id] = str(
            st.selectbox(
                choice.title, values, index, format_func=labels.__getitem__, help=choice.help, key=key_of(choice.id)
            )
        )
    return {name: value for name, value in chosen.items() if value}


def account_card(found: Account, without: Sequence[str], key_of: Callable[[str], str]) -> tuple[list[str], bool]:
    """Draw the account. Returns the fields to continue without, and whether everything is decided."""
    chosen: list[str] = []
    with st.container(border=True, gap="small", key="account"):
        left = found.rows - found.accepted
        st.markdown(
            f"**{plural(found.rows, 'row')} = {number(found.accepted)} accepted + {number(left)} left out**"
            + (" :gray[in the first rows]" if found.rows >= conversion.LOOKED_AT else "")
        )
        for _, count, text in found.reasons[:5]:
            st.caption(f":orange[:material/block: {plural(count, 'row')}] {sentence(text)}")
        st.markdown(f"Used: {_codes(found.used)}")
        if found.named:
            st.caption(f"Left out: {_codes([item.name for item in found.named])}")
        for item in (item for item in found.left_out if item.meaning):
            st.markdown(f":orange[:material/warning: {md_code(item.name)} is left out:] {item.meaning}")
            if st.checkbox(
                f"Continue without it :gray[(filled in {found.of(item)})]",
                value=item.name in without,
                key=key_of(f"without_{item.name}"),
            ):
                chosen.append(item.name)
    return chosen, not found.undecided(chosen)


def _codes(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return (" ".join(md_code(name) for name in names[:_NAMED]) or "nothing") + more
