"""`sft jobs show`: one job, its forecast beside what was measured."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli._support.output import print_json, print_table


def show(
    job: Annotated[str, typer.Argument(help="Name or id of a job.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show one job, and once it is over its forecast beside what was measured."""
    from core.platform.supervisor import ensure
    from core.services.training import jobs as service

    with ensure(set()):
        found = service.find_job(job)
        rows, record = service.forecast_and_measured(found), service.track_record()
    if as_json:
        about = {
            "job": found.id,
            "name": found.name,
            "status": found.state,
            "waiting_to_resume": found.waiting_to_resume,
            "model": found.model_id,
        }
        print_json({**about, "forecast": found.forecast, "measured": found.measured})
        return
    print(f"{found.name}: {'waiting to resume' if found.waiting_to_resume else found.state}, {found.progress:.0f}%")
    if found.waiting_reason:
        print(found.waiting_reason)
    print(f"{found.base_title}, {found.method_title}, {found.examples:,} labeled examples of {found.dataset_name}")
    if not rows:
        return
    print()
    print_table(
        ("", "FORECAST", "MEASURED", "OFF BY"),
        [
            (row.name, row.forecast, row.measured, "-" if row.error is None else f"{100 * row.error:+.0f}%")
            for row in rows
        ],
    )
    if record.text:
        print(record.text)
