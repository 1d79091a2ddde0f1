"""The account of a file: its fields before anything is created from it, and its rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.cli._support.boundary import say
from core.errors import SettingsError
from core.text import plural

if TYPE_CHECKING:
    from core.data.conversion.fields import Account
    from core.services.data.rows_account import RowsAccount

_NAMED = 12  # fields in one line


def print_account(found: Account) -> None:
    """Say on stderr which fields reach the examples and which do not."""
    say(f"Used: {', '.join(found.used) or 'nothing'}.")
    for item in (item for item in found.left_out if item.meaning):
        say(f"Not used: {item.name} ({item.meaning}), {found.where(item)}.")
    if named := found.named:
        more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
        say(f"Not used: {', '.join(f'{item.name} ({item.filled:,})' for item in named[:_NAMED])}{more}.")
    for _, count, sentence in found.changes:
        say(f"Changed: {count:,} of the first {found.rows:,} rows: {sentence}")
    for offer in found.offers:
        say(f"Choice: --set {offer.choice.id}=... ({offer.choice.title}); one of {', '.join(offer.values)}.")


def print_late(found: Account) -> None:
    """Say which fields do not reach the examples that only later rows of the file have."""
    for item in (item for item in found.left_out if item.since):
        say(f"Not used: {item.name}, {found.where(item)}.")


def print_rows(account: RowsAccount) -> None:
    """Print what became of the rows: the first that are left out with line, reason and remedy, the others by code."""
    say(account.sentence)
    for row in account.first:
        say(f"  line {row.line}: {row.reason.message} {row.reason.remedy}  [{row.reason.code}]")
    for reason in account.others:
        say(f"  and {plural(reason.rows, 'more row')}: {reason.title}  [{reason.code}]")


def shape_options(pairs: Sequence[str]) -> dict[str, str]:
    """`--set name=value` for a known shape; the shape itself checks the names.

    Raises:
        SettingsError: a pair without "=".
    """
    options = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise SettingsError(f"--set {pair}: the '=' is missing.", "Write it as --set name=value.")
        options[name.strip()] = value.strip()
    return options
