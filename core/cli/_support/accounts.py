"""The account of a file, printed before anything is created from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.cli._support.boundary import say
from core.errors import SettingsError

if TYPE_CHECKING:
    from core.data.conversion.fields import Account

_NAMED = 12  # fields in one line


def print_account(found: Account) -> None:
    """Say on stderr which fields reach the examples, which do not, and which rows are left out."""
    say(f"Used: {', '.join(found.used) or 'nothing'}.")
    for item in (item for item in found.left_out if item.meaning):
        say(f"Left out: {item.name} ({item.meaning}), filled in {found.of(item)}.")
    if named := found.named:
        more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
        say(f"Left out: {', '.join(f'{item.name} ({item.filled:,})' for item in named[:_NAMED])}{more}.")
    for _, count, sentence in found.reasons:
        say(f"Left out: {count:,} of the first {found.rows:,} rows: {sentence}")
    for offer in found.offers:
        say(f"Choice: --set {offer.choice.id}=... ({offer.choice.title}); one of {', '.join(offer.values)}.")


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
