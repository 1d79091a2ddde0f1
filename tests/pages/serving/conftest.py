"""For the screens of serving: a target that answers for every model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.talking import Talker, talking


@pytest.fixture
def talker(studio_env: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Talker]:
    with talking(monkeypatch) as found:
        yield found
