"""A studio of real processes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.studio import QUICK, Studio


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases of seconds."""
    for name, value in QUICK.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def studio(real_redis, quick) -> Iterator[Studio]:
    """Redis runs; workers are started by the test."""
    made = Studio()
    yield made
    made.close()
