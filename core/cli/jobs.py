"""`sft jobs`: the fine-tuning jobs, newest first; look at one, act on it, rename, archive and delete it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli._support.boundary import say
from core.cli._support.completing import complete
from core.cli._support.managing import Managed, acting, naming, shelving
from core.cli._support.output import moment, print_json, print_table, state_word
from core.cli._support.settings import time_of
from core.errors import SettingsError
from core.text import format_loss, moment as full_moment, plural

if TYPE_CHECKING:
    from core.services.training.jobs import JobRecord


def jobs(
    context: typer.Context,
    state: Annotated[str, typer.Option(help="Only jobs in this state, such as running or succeeded.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 200,
    archived: Annotated[bool, typer.Option("--archived", help="Show archived jobs too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per job, one per line.")] = False,
) -> None:
    """List fine-tuning jobs with their state, progress and loss."""
    if context.invoked_subcommand:
        return
    from core.platform.supervisor import ensure
    from core.services.training import jobs as service

    with ensure(set()):
        found = service.list_jobs(state=state or None, limit=limit, include_archived=archived)
        counts = service.count_jobs(include_archived=archived)
    total = counts[state] if state else counts.total()
    if total > len(found):
        say(f"The newest {len(found):,} of {total:,} jobs; --limit {total} shows all.")
    if as_json:
        for job in found:
            print_json({
                "job": job.id, "name": job.name, "status": job.state, "waiting_to_resume": job.waiting_to_resume,
                "progress": job.progress, "dataset": job.dataset_name, "base": job.base_model, "method": job.method,
                "loss": job.loss, "model": job.model_id, "created_at": job.created_at,
            })  # fmt: skip
        return
    print_table(("JOB", "NAME", "STATE", "PROGRESS", "LOSS", "CREATED"), [
        (job.id, job.name, _state(job), f"{job.progress:.0f}%", "-" if job.loss is None else format_loss(job.loss),
         moment(job.created_at))
        for job in found
    ])  # fmt: skip


def _state(job: JobRecord) -> str:
    return state_word(job.state, waits=job.waiting_to_resume)


def metrics(
    job: Annotated[str, typer.Argument(help="Name or id of a job.", autocompletion=complete("job"))],
    csv: Annotated[Path | None, typer.Option("--csv", help="Write every point to this CSV file; - prints it.")] = None,
    tensorboard: Annotated[
        Path | None, typer.Option("--tensorboard", help="Write TensorBoard event files to this zip file.")
    ] = None,
) -> None:
    """Write the measured points of a job to a file: loss, token accuracy, learning rate, speed, memory."""
    from core.platform.supervisor import ensure
    from core.services.training import jobs as jobs_service, monitoring

    if csv is None and tensorboard is None:
        raise SettingsError("No file was named.", "Add --csv metrics.csv, or --tensorboard metrics.zip.")
    with ensure(set()):
        job = jobs_service.find_job(job).id
        if csv is not None and str(csv) == "-":
            print(monitoring.metrics_csv(job).decode(), end="")
        elif csv is not None:
            csv.write_bytes(monitoring.metrics_csv(job))
            say(f"Wrote {csv}.")
        if tensorboard is not None:
            tensorboard.write_bytes(monitoring.metrics_tensorboard(job))
            say(f"Wrote {tensorboard}: unpack it, then run tensorboard --logdir on the folder.")


def show(
    job: Annotated[str, typer.Argument(help="Name or id of a job.", autocompletion=complete("job"))],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show one job, and once it is over its forecast beside what was measured."""
    from core.platform.supervisor import ensure
    from core.services.training import jobs as service

    with ensure(set()):
        found = service.find_job(job)
        rows, record = service.forecast_and_measured(found), service.track_record()
    if as_json:
        return print_json({
            "job": found.id, "name": found.name, "status": found.state, "waiting_to_resume": found.waiting_to_resume,
            "model": found.model_id, "forecast": found.forecast, "measured": found.measured,
        })  # fmt: skip
    print(f"{found.name}: {_state(found)}, {found.progress:.0f}%")
    if found.waiting_reason:
        print(found.waiting_reason)
    if found.hosted:
        status = f": {found.hosted.status}" if found.hosted.status else ""
        print(f"{found.hosted.connection} ({found.hosted.service_title}) {found.hosted.remote_id}{status}")
        if found.hosted.model:
            print(f"Its model there: {found.hosted.model}")
    examples = plural(found.examples, "training example")
    print(f"{found.base_title}, {found.method_title}, {examples} of {found.dataset_name}")
    if not rows:
        return
    print()
    print_table(("", "FORECAST", "MEASURED", ""), [(row.name, row.forecast, row.measured, row.verdict) for row in rows])
    if record.text:
        print(record.text)


def sync(
    job: Annotated[str, typer.Argument(help="Name or id of a job.", autocompletion=complete("job"))],
) -> None:
    """Start a planned job now, or ask the service of a hosted one how it is doing."""
    from core.platform.supervisor import ensure
    from core.services.training import jobs as service

    with ensure({"redis"}, say):
        found = service.sync(service.find_job(job).id)
    print(f"{found.id}  {found.state}")


def schedule(
    job: Annotated[str, typer.Argument(help="Name or id of a job.", autocompletion=complete("job"))],
    start_at: Annotated[str, typer.Argument(metavar="TIME", help="2026-12-24T08:00, or 08:00 for the next one.")],
) -> None:
    """Let a job that has not started wait until a time."""
    from core.platform.supervisor import ensure
    from core.services.training import jobs as service

    with ensure(set()):
        found = service.schedule(service.find_job(job).id, time_of(start_at))
    print(f"{found.id}  starts on {full_moment(found.starts_at)}")


def _service() -> Any:
    from core.services.training import jobs as service

    return service


def _find(job: str) -> JobRecord:
    from core.services.training import jobs as service

    return service.find_job(job)


def _request(job_id: str, action: str) -> JobRecord:
    from core.services.training import jobs as service

    return service.request(job_id, action)


JOB = Managed("job", _service, _find)
ACTIONS = {
    "cancel": "End jobs at their next step, without a model. Checkpoints are kept, for `sft jobs retry`.",
    "pause": "Save a checkpoint at the next step and free the worker.",
    "resume": "Continue paused jobs from their last checkpoint.",
    "stop": "End jobs at their next step, and save the current weights as their models.",
    "keep": "Save the last checkpoint of jobs that failed, were cancelled or are paused as their models.",
    "retry": "Run jobs that failed or were cancelled again, with the same settings, from the last good checkpoint.",
}
SUBCOMMANDS = (show, metrics, sync, schedule, *acting(JOB, _request, ACTIONS), *naming(JOB), *shelving(JOB))
