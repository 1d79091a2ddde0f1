"""A table, a connection and a run of the smart mode for tests."""

from __future__ import annotations

import io
import os
from typing import Any

from core.platform.tasks import store
from core.platform.tasks.records import TaskRecord
from core.services.data import smart, sources
from core.services.platform import connections, drafts
from worker import run


def upload(rows: list[dict[str, str]]) -> str:
    """A CSV of these rows; returns the source's id."""
    names = list(rows[0])
    quoted = [names, *([row[name] for name in names] for row in rows)]
    text = "\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in line) for line in quoted) + "\n"
    return sources.ingest(io.BytesIO(text.encode()), "table.csv").id


def things(count: int) -> str:
    """A table of so many different things."""
    return upload([{"name": f"Thing {number}", "colour": f"colour-{number}"} for number in range(1, count + 1)])


def connect(url: str, kind: str = "openai", name: str = "test", **values: Any) -> str:
    """A connection; returns its id."""
    return connections.save(name=name, kind=kind, base_url=url, **values).id


def recipe(connection_id: str, **values: Any) -> smart.SmartRecipe:
    """A recipe for the table of things."""
    chosen = {"model": "tiny-1", "columns": ("name", "colour"), "concurrency": 2, "timeout_s": 20.0, **values}
    return smart.SmartRecipe(connection_id=connection_id, **chosen)


def begin(source_id: str, chosen: smart.SmartRecipe, name: str = "Written") -> TaskRecord:
    """Start a run through a draft."""
    state = {"source_id": source_id, "mode": "smart", "smart": chosen.model_dump(mode="json"), "name": name}
    return smart.start(drafts.create("convert", state).id)


def work(task_id: str) -> TaskRecord:
    """Do a task in this process, as a worker does."""
    run.execute(task_id, f"test:{os.getpid()}")
    return store.get(task_id)
