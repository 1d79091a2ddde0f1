"""How many cases a generated test tries: all of them with `make test-all`, a quarter of them with `make test`."""

from __future__ import annotations

import os

WHOLE = bool(os.environ.get("SFT_TEST_ALL"))


def series(cases: int) -> int:
    """So many of `cases` as this run tries."""
    return cases if WHOLE else max(25, cases // 4)
