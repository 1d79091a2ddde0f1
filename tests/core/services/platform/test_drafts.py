"""Drafts: the same step and choices in any browser, and no window overwrites another unseen."""

from __future__ import annotations

import pytest

from core.errors import Conflict, NotFound
from core.services.platform import drafts

pytestmark = pytest.mark.usefixtures("studio_env")


def test_a_draft_lives_in_the_database() -> None:
    draft = drafts.create("convert", {"source_id": "src_1"}, step="analyze")
    changed = drafts.update(draft.id, draft.revision, {"template": "qa", "mapping": {"key": "a"}}, "configure")
    assert drafts.get(draft.id) == changed
    assert changed.state == {"source_id": "src_1", "template": "qa", "mapping": {"key": "a"}}
    assert (changed.step, changed.revision) == ("configure", 1)
    assert drafts.update(draft.id, state={"template": "custom"}).step == "configure"


def test_a_change_in_another_window_is_a_conflict() -> None:
    draft = drafts.create("convert")
    drafts.update(draft.id, draft.revision, {"a": 1})
    with pytest.raises(Conflict, match="another window"):
        drafts.update(draft.id, draft.revision, {"a": 2})
    assert drafts.get(draft.id).state == {"a": 1}


def test_the_first_result_remains_and_closes_the_draft() -> None:
    first, second = drafts.create("convert"), drafts.create("job")
    assert {draft.id for draft in drafts.list_open()} == {first.id, second.id}
    assert [draft.id for draft in drafts.list_open("job")] == [second.id]
    assert drafts.finish(first.id, "task_1").result_id == "task_1"
    assert drafts.finish(first.id, "task_2").result_id == "task_1"
    assert [draft.id for draft in drafts.list_open()] == [second.id]
    drafts.discard(second.id)
    drafts.discard(second.id)
    assert drafts.list_open() == []
    with pytest.raises(NotFound):
        drafts.get(second.id)


def test_a_started_wizard_is_listed_until_it_created_a_dataset() -> None:
    from core.data.samples.tables import SAMPLE_TABLE, open_sample
    from core.platform.db.uow import UnitOfWork
    from core.platform.tasks import store
    from core.services.data import sources

    with open_sample(SAMPLE_TABLE) as stream:
        source = sources.ingest(stream, "tools.csv")
    drafts.create("job")
    gone = drafts.create("convert", {"source_id": "src_gone"}, step="mode")
    started = drafts.create("convert", {"source_id": source.id, "mode": "smart", "name": "Tools"}, step="convert")
    with UnitOfWork() as uow:
        task, _ = store.create(uow, kind="smart", title="Tools", queue="io", payload={})
        uow.commit()
    drafts.finish(started.id, task.id)
    found = {draft.id: draft for draft in drafts.unfinished("convert")}
    assert set(found) == {gone.id, started.id}
    assert (found[gone.id].filename, found[gone.id].state) == (None, "open")
    assert (found[started.id].filename, found[started.id].state, found[started.id].mode) == (
        "tools.csv",
        "pending",
        "smart",
    )
