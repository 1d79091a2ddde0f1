"""What commands and workers of short tasks do to start and end quickly.

pyarrow imports pandas, if it is installed, when the first array is made: half a second of every command and every
forked task that makes one. It works the same without.

Python's collector of reference cycles runs after every 700 new objects. Imports create half a million that all stay:
looking through them again and again is a fifth of a command's start, and looking through all of them a last time when
the process ends takes longer than the work of a short command.
"""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

COLLECT_AFTER = 50_000  # new containers; at most a few megabytes of them are garbage


class _NoPandas(MetaPathFinder):
    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name == "pandas":
            raise ModuleNotFoundError("This process does without pandas.", name=name)
        return None


def do_without_pandas() -> None:
    """From now on `import pandas` fails in this process and its forks, as if it were not installed."""
    if "pandas" not in sys.modules:
        sys.meta_path.insert(0, _NoPandas())


@contextmanager
def hidden(module: str) -> Iterator[None]:
    """In this block an optional module counts as not installed, unless it is imported already."""
    loaded = module in sys.modules
    if not loaded:
        sys.modules[module] = None  # type: ignore[assignment]  # what makes an import fail
    try:
        yield
    finally:
        if not loaded:
            del sys.modules[module]


def collect_rarely() -> None:
    """From now on the collector of reference cycles runs rarely in this process and its forks, and not at its end."""
    gc.set_threshold(COLLECT_AFTER, *gc.get_threshold()[1:])
    atexit.register(_skip_last_collection)


def _skip_last_collection() -> None:
    """Not with DuckDB: it writes to stderr what of its types is never collected."""
    if "_duckdb" not in sys.modules:
        gc.freeze()
