"""What the shell offers on Tab: the names of datasets, jobs, models and agents, and the ids of tasks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

MOST: Final = 50
Completion = list[tuple[str, str]]  # a value, and what the shell says about it


def complete(kind: str) -> Callable[[str], Completion]:
    """For a parameter of typer. `kind` is dataset, job, model, task, agent or connection."""

    def offer(incomplete: str) -> Completion:
        try:
            return _offer(kind, incomplete)
        except Exception:  # Tab never prints an error
            return []

    return offer


def _offer(kind: str, incomplete: str) -> Completion:
    from sqlalchemy import or_, select

    from core.platform.db.tables import AGENTS, CONNECTIONS, DATASETS, JOBS, MODELS, TASKS
    from core.platform.db.uow import read
    from core.settings import get_settings

    if get_settings().sqlalchemy_url.startswith("sqlite") and not (get_settings().data_dir / "studio.db").exists():
        return []  # opening it would create it
    tables = {"dataset": DATASETS, "job": JOBS, "model": MODELS, "task": TASKS, "agent": AGENTS}
    table = {**tables, "connection": CONNECTIONS}[kind]
    name = table.c.title if kind == "task" else table.c.name
    query = select(table.c.id, name).order_by(table.c.created_at.desc()).limit(MOST)
    if kind in ("dataset", "job"):
        query = query.where(table.c.deleted_at.is_(None))
    begins = or_(name.startswith(incomplete, autoescape=True), table.c.id.startswith(incomplete, autoescape=True))
    found = read(query.where(begins))
    # A name with a blank is several words for a shell; its id is one.
    return [(row_id, named) if kind == "task" or not _is_word(named) else (named, row_id) for row_id, named in found]


def _is_word(name: str) -> bool:
    return name.isprintable() and not set(name) & set(" \"'\\$&|;<>()`!*?[]{}#~\t")
