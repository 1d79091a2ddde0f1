"""A service's own estimate, beside the studio's: it is made for a training file that is at the service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select

from core.errors import DataError
from core.models.llm import LlmError
from core.models.llm.base import Endpoint
from core.platform import scratch
from core.platform.db.tables import HOSTED_RUNS, JOBS
from core.platform.db.uow import read
from core.services.platform import connections
from core.services.platform.connections import ConnectionRecord
from core.services.training.cost.records import CostEstimate
from core.services.training.hosted import files
from core.text import size, usd
from core.training.providers.hosted import HostedRun, HostedService

MOST_BYTES: Final = 100_000_000  # that are sent for an estimate alone
TIMEOUT_S: Final = 60.0


def beside(
    ours: CostEstimate,
    connection: ConnectionRecord,
    run: HostedRun,
    version_id: str,
    *,
    send: bool,
) -> CostEstimate:
    """The same with the service's own estimate, or with why there is none.

    Args:
        run: what would be submitted, without files.
        send: send the training file, if it is not there yet; nothing is trained.

    Raises:
        LlmError: with `send`, the service failed. DataError: with `send`, the examples break a rule of the service, or
            the file is too large to send for an estimate.
    """
    service = connection.service
    if service is None or not service.capabilities.price_call:
        return ours
    endpoint = connections.endpoint_of(connection.id, TIMEOUT_S)
    known = _files(connection.id, version_id)
    if known:
        try:
            return _told(ours, service, service.estimate_usd(endpoint, _with(run, known)))
        except LlmError as error:
            if error.retryable or error.cause in ("key", "quota"):  # other errors: the file was deleted there
                return replace(ours, service_text=f"{service.title} could not be asked: {error.message}")
    if not send:
        text = f"{service.title} makes its own estimate once it has the training file."
        return replace(ours, service_text=text, can_ask=True)
    return _told(ours, service, service.estimate_usd(endpoint, _with(run, _sent(service, endpoint, version_id))))


def _files(connection_id: str, version_id: str) -> dict[str, str]:
    """The ids of the files that an earlier job has sent of this version, by what they are of a run."""
    columns = (HOSTED_RUNS.c.training_file, HOSTED_RUNS.c.validation_file)
    query = select(*columns).join(JOBS, JOBS.c.id == HOSTED_RUNS.c.job_id)
    mine = (HOSTED_RUNS.c.connection_id == connection_id) & (JOBS.c.dataset_version_id == version_id)
    query = query.where(mine, HOSTED_RUNS.c.training_file != "").order_by(HOSTED_RUNS.c.created_at.desc())
    found = read(query.limit(1))
    return dict(found[0]._mapping) if found else {}


def _with(run: HostedRun, sent: Mapping[str, Any]) -> HostedRun:
    return replace(run, **sent)


def _sent(service: HostedService, endpoint: Endpoint, version_id: str) -> dict[str, str]:
    """Send both files; those that are there already are used again."""
    ids: dict[str, str] = {}
    with scratch.folder() as folder:
        for split in ("train", "validation"):
            file = files.write(version_id, service, Path(folder), split)
            if file is None or file.path is None:
                continue
            if file.size_bytes > MOST_BYTES:
                text = f"The training file is too large to send for an estimate ({size(file.size_bytes)})."
                raise DataError(
                    text, f"The limit is {size(MOST_BYTES)}; a job notes the estimate when it is submitted."
                )
            name = "training_file" if split == "train" else "validation_file"
            ids[name] = service.upload(endpoint, file.path, sha256=file.sha256)
    return ids


def _told(ours: CostEstimate, service: HostedService, price: float | None) -> CostEstimate:
    if price is None:
        return replace(ours, service_text=f"{service.title} has no estimate for this job.")
    text = f"{service.title} itself estimates {usd(price)}"
    low, high = ours.low_usd, ours.high_usd
    if low is not None and high is not None:
        place = "above" if price > high else "below" if price < low else "within"
        text += f", {place} the range{'' if place == 'within' else '; it may have a minimum price'}"
    return replace(ours, service_usd=price, service_text=f"{text}.")
