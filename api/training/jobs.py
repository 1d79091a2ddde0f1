"""`/api/v1/jobs`: fine-tuning jobs."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Final

from fastapi import Query, Request
from fastapi.responses import Response, StreamingResponse

from api.platform.event_stream import STREAMED, event_stream
from api.platform.idempotency import IdempotencyKey
from api.platform.records import add_routes, records
from api.platform.scopes import needs
from api.platform.shapes import EventShown, Start
from api.platform.tasks import Action, Following, Since
from api.training.shapes import Csv, Estimated, HostedCost, JobShown, JobToEstimate, NewJob, PointShown
from core.services.data import datasets
from core.services.platform import connections, tasks
from core.services.platform.api_keys import READ, TRAIN
from core.services.training import cost as costs, jobs, metrics, monitoring

router: Final = records("/api/v1/jobs", "Jobs")
_READING: Final = [needs(READ, TRAIN)]
_TRAINING: Final = [needs(TRAIN)]


@router.post("", dependencies=_TRAINING, status_code=201)
def create_job(asked: NewJob, key: IdempotencyKey) -> JobShown:
    """Launch a job."""
    made = jobs.create(
        name=asked.name,
        description=asked.description,
        dataset_id=datasets.get_dataset(asked.dataset_id).id,
        base_model=asked.base_model,
        method=asked.method,
        method_config=asked.method_config,
        training=asked.training.model_dump(exclude_unset=True),
        engine=asked.engine,
        provider=asked.provider,
        connection=connections.find(asked.connection).id if asked.connection else "",
        hyperparameters=asked.hyperparameters,
        start_at=asked.start_at,
        draft_key=key,
    )
    return JobShown.of(made)


@router.post("/estimate", dependencies=_READING)
def estimate(asked: JobToEstimate) -> Estimated:
    """Memory, time, cost and disk of a job before it is launched; of one at a connection, its cost."""
    if asked.connection:
        found = costs.estimate_at(
            asked.connection, asked.base_model, asked.dataset_id, asked.hyperparameters, method=asked.method,
            ask_service=asked.ask_service,
        )  # fmt: skip
        return Estimated(hosted_cost=HostedCost.of(found))
    outlook = jobs.forecast(
        datasets.get_dataset(asked.dataset_id).id,
        asked.base_model,
        asked.method,
        asked.method_config,
        asked.training.model_dump(exclude_unset=True),
        asked.engine,
        asked.provider,
    )
    return Estimated(
        forecast=outlook.to_dict(),
        cost=dataclasses.asdict(cost) if (cost := jobs.cost_range(outlook)) else None,
        training=outlook.training.model_dump(mode="json"),
        sources=outlook.sources,
        trainable_params=outlook.trainable_params,
        warnings=list(outlook.warnings),
        engine=outlook.engine.engine,
        precision=outlook.precision.precision,
    )


ROUTES: Final = add_routes(
    router, jobs, jobs.get_job, JobShown, noun="job", reading=_READING, writing=_TRAINING,
    remains="its curves and checkpoints are deleted too, its model remains",
)  # fmt: skip


@router.post("/{job_id}/sync", dependencies=_TRAINING)
def sync(job_id: str) -> JobShown:
    """Start a planned job now, or ask the service of a hosted one how it is doing."""
    return JobShown.of(jobs.sync(job_id))


@router.post("/{job_id}/schedule", dependencies=_TRAINING)
def schedule(job_id: str, asked: Start) -> JobShown:
    """Let a job that has not started wait until a time."""
    return JobShown.of(jobs.schedule(job_id, asked.start_at))


@router.post("/{job_id}/{action}", dependencies=_TRAINING)
def act(job_id: str, action: Action) -> JobShown:
    """Cancel, pause, resume, stop (and keep the model), retry, or keep (the last checkpoint)."""
    return JobShown.of(jobs.request(job_id, action))


@router.get("/{job_id}/metrics", dependencies=_READING)
def points(job_id: str, since: Since = 0, limit: Annotated[int, Query(ge=1, le=5_000)] = 1_000) -> list[PointShown]:
    """The measured points after the point `since`, the oldest first."""
    return [PointShown.of(point) for point in metrics.since(jobs.get_job(job_id).id, since, limit)]


@router.get("/{job_id}/metrics.csv", dependencies=_READING, response_class=Csv)
def points_csv(job_id: str) -> Response:
    """All points as CSV."""
    return Csv(monitoring.metrics_csv(job_id))


@router.get("/{job_id}/log", dependencies=_READING)
def log(job_id: str) -> list[str]:
    """The last lines of the run's log."""
    return tasks.log_tail(jobs.get_job(job_id).task_id)


@router.get("/{job_id}/events", dependencies=_READING, response_model=list[EventShown], responses=STREAMED)
def events(
    job_id: str, request: Request, since: Since = 0, stream: bool = False
) -> list[EventShown] | StreamingResponse:
    """What happened in a job, the oldest first; with `stream=true` as server-sent events until it ends."""
    job = jobs.get_job(job_id)
    if stream:
        return event_stream(Following(job.task_id, since).read, request.url.path, names=True)
    return [EventShown.of(event) for event in jobs.events(job.id, since)]
