"""What a file's fields and rows become: which fields are used and which not, which rows are left out and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from core.services.data import conversion, datasets, rows_account
from core.services.data.conversion import Account, LeftOut
from core.services.data.datasets import VersionRecord
from core.services.data.datasets.writing import held_out
from core.services.data.results import ConversionResult
from core.services.data.rows_account import RowsAccount
from pages.ui.downloads import Blocks, download
from pages.ui.escaping import visible
from pages.ui.format import md, md_code, number, plural, sentence

_NAMED = 12  # fields in one line


@st.cache_data(max_entries=64, show_spinner="Comparing the fields with the examples")
def _account(source_id: str, state: Mapping[str, Any], _way: str) -> Account:
    return conversion.account(source_id, state)


def account_of(source_id: str, state: Mapping[str, Any], way: str) -> Account:
    """The account of an upload; `way` is how the file is read, so that another way is another account."""
    recipe = {name: state.get(name) for name in ("shape", "template", "mapping", "options", "leave_out")}
    return _account(source_id, recipe, f"{way} {conversion.late_fields(source_id)}")


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
                md(choice.title),
                values,
                index,
                format_func=labels.__getitem__,
                help=sentence(choice.help),
                key=key_of(choice.id),
            )
        )
    return {name: value for name, value in chosen.items() if value}


def held_out_text(found: Account, without: Sequence[str], examples: int, share: float | None, about: str) -> str:
    """What will be held out for validation, in words.

    Args:
        without: fields to continue without; without its split column the file is split as any other.
        examples: the expected number, exactly or `about`.
        share: chosen by the user; None: decided by the number.
    """
    if found.split and found.split not in without:
        return f"as the column {found.split} says"
    count = held_out(examples, share)
    return f"{about}{number(count)}, never trained on" if count else "none"


def account_card(
    found: Account,
    of_rows: int,
    without: Sequence[str],
    key_of: Callable[[str], str],
    left_out: Blocks | None = None,
) -> tuple[list[str], bool]:
    """Draw the account of a file with so many rows.

    Args:
        left_out: yields the rows that are left out, as JSONL.

    Returns:
        The fields to continue without, and whether everything is decided.
    """
    chosen: list[str] = []
    with st.container(border=True, gap="small", key="account"):
        rows(rows_account.expected(found, of_rows), left_out)
        for code, count, text in found.changes:
            st.caption(f":material/info: {sentence(text) if code in conversion.NOTES else _counted(count, text)}")
        st.markdown(f"Used: {_codes(found.used)}")
        if (column := found.split) and not st.checkbox(
            f"Keep the split that {md_code(column)} gives", column not in without, key=key_of(f"obey_{column}")
        ):
            chosen.append(column)
        if found.named:
            listed = [f"{md_code(item.name)} {_count(item)}" for item in found.named]
            st.caption(f"Not used, with the rows that have it: {_listed(listed)}")
        for empty in found.placeholders:
            share = f"{empty.rows:,} of {plural(found.rows, 'row')}"
            st.caption(f"{md_code(empty.name)} is read as empty in {share}: it says {md_code(empty.shown)}")
        for doubt in found.doubts:
            st.markdown(f":orange[:material/warning:] {sentence(doubt.message)} {sentence(doubt.remedy)}")
        for item in (item for item in found.left_out if item.meaning):
            st.markdown(f":orange[:material/warning: {md_code(item.name)} is not used:] {md(item.meaning)}")
            if st.checkbox(
                f"Continue without it :gray[({md(found.where(item))})]",
                value=item.name in without,
                key=key_of(f"without_{item.name}"),
            ):
                chosen.append(item.name)
    return chosen, not found.undecided(chosen)


def _count(item: LeftOut) -> str:
    return f"from line {item.since:,} on" if item.since else f"{item.filled:,}"


def _counted(count: int, text: str) -> str:
    return f"{plural(count, 'row')}: {sentence(text)}"


def _codes(names: Sequence[str]) -> str:
    return _listed([md_code(name) for name in names]) or "nothing"


def _listed(parts: Sequence[str]) -> str:
    more = f" and {len(parts) - _NAMED:,} more" if len(parts) > _NAMED else ""
    return " · ".join(parts[:_NAMED]) + more


def rows(account: RowsAccount, left_out: Blocks | None = None) -> None:
    """`43 rows = 32 accepted + 11 left out`, with the reasons, the first rows that are left out, and all for download.

    Args:
        left_out: yields the rows that are left out, as JSONL.
    """
    if not account.left_out:
        st.markdown(f"**{md(account.sentence)}**")
        return
    st.markdown(f":orange[:material/block:] **{md(account.sentence)}**")
    with st.expander(f"Why {plural(account.left_out, 'row is', 'rows are')} left out", key="why_left_out"):
        for reason in account.reasons:
            st.markdown(f"**{plural(reason.rows, 'row')}** {md(reason.title)}")
        for row in account.first:
            st.markdown(f"`line {row.line}` {sentence(row.reason.message)} {sentence(row.reason.remedy)}")
            st.code(visible(row.raw), language=None, wrap_lines=True)
        if 0 < len(account.first) < account.left_out:
            st.caption(f"These are the first {len(account.first)}.")
        if left_out is not None:
            download(
                "Download the rows left out",
                left_out,
                file_name="left-out.jsonl",
                mime="application/jsonl",
                key="download_left_out",
                help="Unchanged, each with its line and the reasons, to fix them and upload them again.",
            )


def rows_of(result: ConversionResult) -> None:
    """The account of the rows of a finished conversion or import; nothing where it read none."""
    if result.read:
        rows(rows_account.of_result(result), lambda: datasets.rejects(f"{result.dataset_id}-v1"))


def rows_of_version(version: VersionRecord) -> None:
    """The rows that the dataset of a version does not have; nothing where every row became an example."""
    account = rows_account.of_version(version)
    if account is not None:
        with st.container(border=True, gap="small", key="rows_left_out"):
            rows(account, lambda: datasets.rejects(version.id))
