"""What was asked of a service outside: written down before it is sent.

Such a service does not know the studio's questions. So a run that continues after a kill repeats those whose answers
were lost, and no others; this file is how it knows and reports them.
"""

from __future__ import annotations

import threading
from pathlib import Path


class AskedJournal:
    """The names of the questions that were sent, one a line; kept over kills. Used from several threads."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._known = set(path.read_text("utf-8").splitlines()) if path.exists() else set()
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def __contains__(self, name: str) -> bool:
        return name in self._known

    def add(self, name: str) -> None:
        """Write a name down, once."""
        with self._lock:
            if name not in self._known and not self._file.closed:
                self._known.add(name)
                self._file.write(f"{name}\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()
