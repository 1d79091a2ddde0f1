"""Ids: a prefix that names the kind, then 14 lower-case characters that sort by time."""

from __future__ import annotations

import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u


def new_id(prefix: str) -> str:
    """Return a fresh id such as `ds_01jb2k7q9x3m4p`: 8 characters of milliseconds, 6 random ones."""
    value = int(time.time() * 1000) & ((1 << 40) - 1)
    head = "".join(_ALPHABET[(value >> shift) & 31] for shift in range(35, -1, -5))
    return f"{prefix}_{head}{''.join(secrets.choice(_ALPHABET) for _ in range(6))}"
