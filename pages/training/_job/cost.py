"""The tile of a job's cost: the estimate, and the bill once it has ended."""

from __future__ import annotations

from core.services.training import cost
from core.services.training.jobs import JobRecord
from pages.ui.components import Tile
from pages.ui.format import range_usd, usd


def tile(job: JobRecord) -> list[Tile]:
    """Estimated, and billed where the job has ended; [] where nothing is paid for it."""
    found = cost.billed(job.task_id)
    if found is None:
        return []
    estimated = range_usd(found.low_usd, found.high_usd)
    about = "The estimate was made before the job started; the bill counts every attempt."
    if found.billed_usd is None:
        return [Tile("Estimated cost", estimated, note="not billed yet", help=about)]
    return [
        Tile("Billed", usd(found.billed_usd), found.verdict, note=f"estimated {estimated}", help=about, arrow="off")
    ]
