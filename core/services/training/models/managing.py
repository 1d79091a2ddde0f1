"""Rename, annotate, archive, restore and delete models; what depends on one is named before it is deleted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import delete as delete_from, func, select, update

from core.errors import Conflict, SettingsError
from core.platform.db.tables import DEPLOYMENTS, MODEL_TAGS, MODELS, TURNS
from core.platform.db.uow import UnitOfWork, read
from core.platform.storage import get_storage
from core.platform.tasks import store
from core.platform.tasks.kinds import kind_of
from core.platform.tasks.states import WORKABLE
from core.services.platform.dependents import Dependents, are, confirm, named
from core.services.training.jobs import MAX_NAME
from core.services.training.models.reader import get_model
from core.services.training.models.records import ModelRecord
from core.serving.agents import moving, store as agents_store
from core.serving.deployments import deployments_of
from core.serving.model_formats import places
from core.text import plural


def rename(model_id: str, name: str) -> ModelRecord:
    """Rename a model. Raises Conflict if the name is taken, SettingsError if it is invalid."""
    name = " ".join(name.split())
    if not name or len(name) > MAX_NAME:
        raise SettingsError(f"A model's name has 1 to {MAX_NAME} characters, not {len(name)}.", "Choose another.")
    with UnitOfWork() as uow:
        query = select(func.count()).where(MODELS.c.name == name, MODELS.c.id != model_id)
        if uow.execute(query).scalar_one():
            raise Conflict(f"There is already a model called “{name}”.", "Choose another name.")
        uow.execute(update(MODELS).where(MODELS.c.id == model_id).values(name=name))
        uow.commit()
    return get_model(model_id)


def set_notes(model_id: str, notes: str) -> ModelRecord:
    """Replace a model's notes."""
    _set([model_id], notes=notes)
    return get_model(model_id)


def archive(model_ids: Sequence[str]) -> int:
    """Archive models: they are stored, but no longer served or offered. Returns how many changed.

    Raises:
        Conflict: agents use one of them; names them.
    """
    with UnitOfWork() as uow:
        active = (MODELS.c.id.in_(model_ids), MODELS.c.state == "active")
        titles = {row.id: row.name for row in uow.execute(select(MODELS.c.id, MODELS.c.name).where(*active))}
        moving.check_unused(uow, titles)
        changed = uow.execute(update(MODELS).where(*active).values(state="archived")).rowcount
        uow.commit()
    return changed


def restore(model_ids: Sequence[str]) -> int:
    """Serve archived models again; returns how many changed."""
    return _set(model_ids, MODELS.c.state == "archived", state="active")


def archive_lines(line_ids: Sequence[str]) -> int:
    """Archive every version of these models; returns how many models (not versions) changed."""
    return _set_lines(line_ids, "active", archive)


def restore_lines(line_ids: Sequence[str]) -> int:
    """Restore every archived version of these models; returns how many models (not versions) changed."""
    return _set_lines(line_ids, "archived", restore)


def _set_lines(line_ids: Sequence[str], state: str, change: Callable[[Sequence[str]], int]) -> int:
    query = select(MODELS.c.id, MODELS.c.line_id).where(MODELS.c.line_id.in_(line_ids), MODELS.c.state == state)
    found = read(query)
    change([row.id for row in found])
    return len({row.line_id for row in found})


def _set(model_ids: Sequence[str], *conditions: Any, **values: Any) -> int:
    with UnitOfWork() as uow:
        changed = uow.execute(update(MODELS).where(MODELS.c.id.in_(model_ids), *conditions).values(**values)).rowcount
        uow.commit()
    return changed


def dependents(model_id: str) -> Dependents:
    """What depends on a model, to be named before it is deleted."""
    model = get_model(model_id)
    later = (
        select(MODELS.c.name)
        .where(MODELS.c.line_id == model.line_id, MODELS.c.version > model.version)
        .order_by(MODELS.c.version)
    )
    models = tuple(name for (name,) in read(later))
    served = (model.id, f"{model.id}:merged")
    answered = select(func.count(func.distinct(TURNS.c.conversation_id))).where(TURNS.c.model_id.in_(served))
    ((conversations,),) = read(answered)
    unfinished = _work_on(model)
    parts = ["It can no longer be used in Chat, in Compare or by other programs."]
    if model.merged:
        parts.append("The model merged from it is deleted too.")
    elsewhere = [f"{one.name} on {one.target}" for one in deployments_of(model.id) if one.address]
    agents = tuple(agent.name for agent in agents_store.users_of([model.id]))
    if agents:
        parts.append(f"{named(agents, 'agent')} {'uses' if len(agents) == 1 else 'use'} it: move them first.")
    if elsewhere:
        parts.append(f"What is published remains there: {', '.join(elsewhere)}. Retire it first to remove it.")
    if conversations:
        parts.append(f"Its answers in {plural(conversations, 'conversation')} of Chat remain to be read.")
    if models:
        parts.append(f"{named(models, 'later version')} {are(models)} unaffected.")
    if unfinished:
        parts.append(f"Not finished yet: {', '.join(unfinished)}.")
    return Dependents(models=models, unfinished=unfinished, text=" ".join(parts), agents=agents)


def delete(model_id: str, confirm_name: str) -> None:
    """Delete a model and its files. Its job remains, and can be run again.

    Raises:
        NotFound: there is no such model. Conflict: the typed name differs, a task still needs the model, or agents use
            it; names them.
    """
    model = get_model(model_id)
    confirm("model", model.name, confirm_name)
    if work := _work_on(model):
        text = f"“{model.name}” is in use by an unfinished task: {', '.join(work)}."
        raise Conflict(text, "Let it finish, or cancel it in Background jobs.")
    with UnitOfWork() as uow:
        moving.check_unused(uow, {model.id: model.name})
        uow.execute(delete_from(DEPLOYMENTS).where(DEPLOYMENTS.c.model_id == model.id))
        uow.execute(delete_from(MODEL_TAGS).where(MODEL_TAGS.c.model_id == model.id))
        uow.execute(delete_from(MODELS).where(MODELS.c.id == model.id))
        uow.commit()
    for path in (model.path, *((model.merged.path,) if model.merged else ())):
        if path:  # a model that only answers at its service has no files here
            get_storage().delete(path)
    places.remove_exports(model.id)


def _work_on(model: ModelRecord) -> tuple[str, ...]:
    """The titles of unfinished tasks that read the model: tests and merges."""
    active = store.find(states=(*WORKABLE, "paused"), limit=100_000)
    reading = ({model.id, model.job_id} & kind_of(task.kind).ids_read(task.payload) for task in active)
    return tuple(task.title for task, reads in zip(active, reading, strict=True) if reads)
