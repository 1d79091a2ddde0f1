"""Deployments in the database."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from sqlalchemy import delete, select, update

from core.errors import NotFound
from core.ids import new_id
from core.platform.db.tables import DEPLOYMENTS, Deployment
from core.platform.db.uow import UnitOfWork, read
from core.serving.deployments.records import LLAMA_CPP, STUDIO, DeploymentRecord, SmokeTest

_COLUMNS = [DEPLOYMENTS.c[item.name] for item in fields(DeploymentRecord)]


def deployments_of(model_id: str) -> list[DeploymentRecord]:
    """Where a model is published, the oldest first."""
    query = select(*_COLUMNS).where(DEPLOYMENTS.c.model_id == model_id).order_by(DEPLOYMENTS.c.created_at)
    return [_record(row._mapping) for row in read(query)]


def find(model_id: str, target: str, address: str = "") -> DeploymentRecord | None:
    """A model's deployment on a target, or None."""
    found = (one for one in deployments_of(model_id) if one.target == target)
    return next((one for one in found if not address or one.address == address), None)


def save(
    uow: UnitOfWork,
    *,
    model_id: str,
    target: str,
    address: str,
    name: str,
    route: str,
    details: Mapping[str, Any],
    smoke: SmokeTest,
) -> None:
    """Record a deployment; one of the same model on the same target and address is replaced."""
    place = (DEPLOYMENTS.c.model_id == model_id) & (DEPLOYMENTS.c.target == target) & (DEPLOYMENTS.c.address == address)
    uow.execute(delete(DEPLOYMENTS).where(place))
    row = Deployment(
        id=new_id("dp"), model_id=model_id, target=target, address=address, name=name, route=route,
        details=dict(details), smoke=smoke.to_dict(),
    )  # fmt: skip
    uow.session.add(row)
    uow.session.flush()


def remove(deployment_id: str) -> None:
    """Forget a deployment."""
    with UnitOfWork() as uow:
        uow.execute(delete(DEPLOYMENTS).where(DEPLOYMENTS.c.id == deployment_id))
        uow.commit()


def engine_of(model_id: str) -> str:
    """The engine of the inference process that answers for a model."""
    found = find(model_id, LLAMA_CPP)
    return LLAMA_CPP if found is not None and found.details.get("chosen") else STUDIO


def set_engine(model_id: str, engine: str) -> None:
    """Choose the engine. Raises NotFound: the model is not published to it."""
    found = find(model_id, LLAMA_CPP)
    if found is None:
        if engine == STUDIO:
            return
        raise NotFound("The model is not published to llama.cpp.", "Publish it there first.")
    details = {**found.details, "chosen": engine == LLAMA_CPP}
    with UnitOfWork() as uow:
        changed = update(DEPLOYMENTS).where(DEPLOYMENTS.c.id == found.id)
        uow.execute(changed.values(details=details, updated_at=time.time()))
        uow.commit()


def _record(row: Mapping[Any, Any]) -> DeploymentRecord:
    return DeploymentRecord(**{**row, "details": dict(row["details"]), "smoke": SmokeTest.of(row["smoke"])})
