"""What the studio knows about each kind of background task."""

from __future__ import annotations

import pytest

from core.platform.tasks.kinds import KINDS, QUEUES, TaskKind, kind_of


def test_the_ids_a_task_reads_are_found_at_paths_through_lists() -> None:
    kind = TaskKind("x", "X", "x", "cpu", reads=("dataset_id", "parts.version_id"))
    payload = {"dataset_id": "ds_1", "parts": [{"version_id": "ds_2-v1"}, {"share": 3}, {"version_id": "ds_3-v4"}]}
    assert kind.ids_read(payload) == {"ds_1", "ds_2-v1", "ds_3-v4"}
    assert kind.ids_read({}) == kind.ids_read({"dataset_id": None, "parts": None}) == frozenset()


def test_a_kind_that_no_longer_exists_is_shown_and_allows_nothing() -> None:
    kind = kind_of("of_last_year")
    assert (kind.title, kind.can_pause, kind.can_keep, kind.opens) == ("Of last year", False, False, None)


@pytest.mark.parametrize("kind", list(KINDS), ids=KINDS.ids())
def test_every_kind_is_complete(kind: TaskKind) -> None:
    assert kind.title
    assert kind.icon
    assert kind.queue in QUEUES
