"""`/v1/fine_tuning/jobs`: the studio's jobs in OpenAI's shapes."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import Query, Request
from fastapi.responses import StreamingResponse

from api.platform.event_stream import STREAMED, event_stream
from api.platform.idempotency import IdempotencyKey
from api.platform.records import records
from api.platform.scopes import needs
from api.training import openai_jobs as shown
from api.training.openai_shapes import CheckpointList, CreateJob, EventList, JobList, JobObject
from core.errors import DataError
from core.services.platform.api_keys import READ, TRAIN
from core.services.training import fine_tuning, jobs
from core.services.training.fine_tuning import FineTuning

router: Final = records("/v1/fine_tuning/jobs", "OpenAI: fine-tuning")

Limit = Annotated[int, Query(ge=1, le=1_000)]
_READING: Final = [needs(READ, TRAIN)]
_TRAINING: Final = [needs(TRAIN)]


@router.post("", dependencies=_TRAINING)
def create_job(asked: CreateJob, key: IdempotencyKey) -> JobObject:
    """Fine-tune a base model on a file. The same `Idempotency-Key` always returns the same job."""
    numbers = asked.numbers
    job = fine_tuning.create(
        FineTuning(
            model=asked.model,
            training_file=asked.training_file,
            validation_file=asked.validation_file,
            name=asked.suffix or "",
            epochs=_number(numbers.n_epochs),
            batch_size=_number(numbers.batch_size),
            learning_rate_multiplier=_number(numbers.learning_rate_multiplier),
            seed=asked.seed,
            method=asked.studio.method,
            method_config=asked.studio.method_config,
            training=asked.studio.training,
            engine=asked.studio.engine,
            connection=asked.studio.connection,
            hyperparameters=asked.studio.hyperparameters,
            start_at=asked.studio.start_at,
            metadata=asked.metadata or {},
        ),
        draft_key=key,
    )
    return shown.job_object(job)


@router.get("", dependencies=_READING)
def list_jobs(limit: Limit = 20, after: str = "") -> JobList:
    """The jobs, the newest first."""
    found = jobs.list_jobs(limit=limit + 1, after=after)
    return JobList(data=[shown.job_object(job) for job in found[:limit]], has_more=len(found) > limit)


@router.get("/{job_id}", dependencies=_READING)
def get_job(job_id: str) -> JobObject:
    """One job."""
    return shown.job_object(jobs.get_job(job_id))


@router.post("/{job_id}/cancel", dependencies=_TRAINING)
def cancel_job(job_id: str) -> JobObject:
    """End a job without a model."""
    return shown.job_object(jobs.request(job_id, "cancel"))


@router.post("/{job_id}/pause", dependencies=_TRAINING)
def pause_job(job_id: str) -> JobObject:
    """Save a running job, to resume it later."""
    return shown.job_object(jobs.request(job_id, "pause"))


@router.post("/{job_id}/resume", dependencies=_TRAINING)
def resume_job(job_id: str) -> JobObject:
    """Continue a paused job."""
    return shown.job_object(jobs.request(job_id, "resume"))


@router.get("/{job_id}/events", dependencies=_READING, response_model=EventList, responses=STREAMED)
def list_events(
    job_id: str, request: Request, limit: Limit = 20, after: str = "", stream: bool = False
) -> EventList | StreamingResponse:
    """What happened in a job, the newest first; with `stream=true` as server-sent events, the oldest first."""
    if stream:
        return event_stream(_Following(job_id).read, request.url.path, last="[DONE]")
    every = shown.events(jobs.get_job(job_id))[::-1]
    begin = _place([event.id for event in every], after)
    return EventList(data=every[begin : begin + limit], has_more=len(every) > begin + limit)


@router.get("/{job_id}/checkpoints", dependencies=_READING)
def list_checkpoints(job_id: str, limit: Limit = 10, after: str = "") -> CheckpointList:
    """The checkpoint whose weights the model has, once it answers."""
    every = shown.checkpoints(jobs.get_job(job_id))[::-1]
    begin = _place([checkpoint.id for checkpoint in every], after)
    page = every[begin : begin + limit]
    return CheckpointList(
        data=page,
        first_id=page[0].id if page else None,
        last_id=page[-1].id if page else None,
        has_more=len(every) > begin + limit,
    )


class _Following:
    """Reads the events of a job that were not read before."""

    def __init__(self, job_id: str) -> None:
        jobs.get_job(job_id)  # one that does not exist is a status, not a broken stream
        self._job_id, self._seen = job_id, (0, 0)

    def read(self) -> tuple[list[dict[str, Any]], bool]:
        job = jobs.get_job(self._job_id)  # before its events: those of its end are there then
        found = shown.events(job, *self._seen)
        self._seen = shown.last_seen(found, self._seen)
        return [event.model_dump() for event in found], job.is_terminal


def _place(ids: list[str], after: str) -> int:
    """The place behind the entry with this id."""
    if not after:
        return 0
    if after not in ids:
        raise DataError(f"No page begins after {after!r}.", "Begin at the first page.", code="cursor", field="after")
    return ids.index(after) + 1


def _number(value: Any) -> Any:
    return None if value == "auto" else value
