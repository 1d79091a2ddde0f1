"""The models that an evaluation can ask, by what a person types."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import NotFound
from core.services.platform import connections
from core.services.serving import connected
from core.services.serving.evaluating import contestants


def test_a_model_behind_a_connection_is_found_by_name(studio_env: Path) -> None:
    record = connections.save(name="Team server", kind="openai", base_url="http://127.0.0.1:9/v1")
    found = contestants.find("team server/org/model-a")
    assert found == contestants.find(found.id), "its id is that of an agent's model"
    assert (found.title, found.kind) == ("org/model-a (Team server)", "connection")
    assert connected.place(found.id) == (record, "org/model-a")
    with pytest.raises(NotFound):
        contestants.find("another server/model-a")
