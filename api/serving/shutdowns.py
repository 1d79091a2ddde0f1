"""`/api/v1/shutdowns`: the calendar of models that their providers switch off."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Query

from api.platform.notice_shapes import NewShutdown, Recorded, RecordedShown, ShutdownShown
from api.platform.records import records
from api.platform.scopes import needs
from core.services.platform.api_keys import ADMIN, READ, SERVE
from core.services.serving import shutdowns

router: Final = records("/api/v1/shutdowns", "Shutdowns")


@router.get("", dependencies=[needs(READ)])
def list_shutdowns(
    used: Annotated[bool, Query(description="only models that are used here")] = False,
) -> list[ShutdownShown]:
    """Every known date, the next one first."""
    return [ShutdownShown.of(record) for record in shutdowns.calendar(used_only=used)]


@router.put("", dependencies=[needs(ADMIN)])
def enter_shutdown(asked: NewShutdown) -> ShutdownShown:
    """Enter or change a date; a provider's list does not overwrite it."""
    return ShutdownShown.of(shutdowns.save(**asked.model_dump()))


@router.delete("", status_code=204, dependencies=[needs(ADMIN)])
def remove_shutdown(host: Annotated[str, Query(max_length=300)], model: Annotated[str, Query(max_length=300)]) -> None:
    """Remove a date from the calendar."""
    shutdowns.remove(host, model)


@router.post("/answers", status_code=202, dependencies=[needs(SERVE)])
def record_answers(asked: Recorded) -> RecordedShown:
    """Ask a model a dataset's split, and keep its answers as an evaluation."""
    made = shutdowns.record_answers(asked.model, asked.dataset_id, asked.split)
    return RecordedShown(evaluation_id=made.id)
