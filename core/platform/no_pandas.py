"""Keeps pandas out of processes that have no use for it.

pyarrow imports pandas, if it is installed, when the first array is made: half a second of every command and every
forked task that makes one. It works the same without.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


class _NoPandas(MetaPathFinder):
    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name == "pandas":
            raise ModuleNotFoundError("This process does without pandas.", name=name)
        return None


def do_without_pandas() -> None:
    """From now on `import pandas` fails in this process and its forks, as if it were not installed."""
    if "pandas" not in sys.modules:
        sys.meta_path.insert(0, _NoPandas())
