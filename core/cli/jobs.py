"""`sft jobs`: the fine-tuning jobs, newest first."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli.output import moment, print_json, print_table


def register(app: typer.Typer) -> None:
    @app.command()
    def jobs(
        state: Annotated[str, typer.Option(help="Only jobs in this state, such as running or succeeded.")] = "",
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per job, one per line.")] = False,
    ) -> None:
        """List fine-tuning jobs with their state, progress and loss."""
        from core.services import jobs as service
        from core.supervisor import ensure

        with ensure(set()):
            found = service.list_jobs(state=state or None)
        if as_json:
            for job in found:
                print_json(
                    {
                        "job": job.id,
                        "name": job.name,
                        "status": job.state,
                        "progress": job.progress,
                        "dataset": job.dataset_name,
                        "base": job.base_model,
                        "method": job.method,
                        "loss": job.loss,
                        "model": job.model_id,
                        "created_at": job.created_at,
                    }
                )
            return
        print_table(
            ("JOB", "NAME", "STATE", "PROGRESS", "LOSS", "CREATED"),
            [
                (
                    job.id,
                    job.name,
                    job.state,
                    f"{job.progress:.0f}%",
                    "-" if job.loss is None else f"{job.loss:.3f}",
                    moment(job.created_at),
                )
                for job in found
            ],
        )
