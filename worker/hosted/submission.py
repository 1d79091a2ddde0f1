"""From a dataset to a job at the service, exactly once: what is about to happen is written before it happens."""

from __future__ import annotations

import time

from core.models.llm.failures import LlmError
from core.platform.tasks.context import Interrupted, Outcome
from core.settings import get_settings
from core.text import usd
from core.training.providers.hosted import HostedRun
from core.training.providers.hosted_wire.training_file import ServiceFile
from worker.hosted import files
from worker.hosted.visit import Visit

PHASE_CHECK, PHASE_SUBMIT = "Validating", "Submitting"
SETTLE_VISITS = 2  # how many usual pauses a submission may take to appear in the service's list


def submit(visit: Visit) -> None:
    """Validate, upload and submit, from where an earlier visit was; afterwards the run has a remote id.

    Raises:
        DataError: the examples break a rule of the service. LlmError: the service failed.
        Interrupted: a command came before anything was submitted, or a submission has not settled.
    """
    if visit.run.attempted_at is None:
        _upload(visit)
        _note_price(visit)
        visit.ctx.raise_if_interrupted()
        remote_id = ""
    else:
        remote_id = _earlier(visit)
    if not remote_id:
        visit.note(attempted_at=time.time())
        visit.ctx.progress(18, PHASE_SUBMIT, f"Creating the job at {visit.service.title}")
        visit.ctx.allow(visit.endpoint.timeout_s + 10)
        remote_id = visit.service.submit(visit.endpoint, _request(visit))
    visit.note(remote_id=remote_id)
    visit.ctx.event("state", f"Submitted to {visit.choice.connection} as {remote_id}.", data={"remote_id": remote_id})


def _earlier(visit: Visit) -> str:
    """The job of a submission whose answer was lost; "" if there surely is none.

    What was sent before a crash may still be on its way: only after it had time to arrive is it sent again.
    """
    visit.ctx.progress(18, PHASE_SUBMIT, f"Looking for the job at {visit.service.title}")
    visit.ctx.allow(visit.endpoint.timeout_s + 10)
    remote_id = visit.service.find(visit.endpoint, visit.run.intent)
    left_s = (visit.run.attempted_at or 0.0) + SETTLE_VISITS * get_settings().poll_s - time.time()
    if not remote_id and left_s > 0:
        visit.ctx.progress(18, PHASE_SUBMIT, "An earlier submission may still arrive")
        raise Interrupted(Outcome("waiting", again_in_s=left_s))
    if not remote_id and visit.ctx.signal() == "cancel":
        raise Interrupted(Outcome("cancelled"))
    return remote_id


def _upload(visit: Visit) -> None:
    """Write, check and upload both files; what is there already is not sent again."""
    visit.ctx.progress(1, PHASE_CHECK, "Reading the dataset")
    train = files.write(visit.job, visit.service, visit.ctx.workdir, "train")
    visit.ctx.raise_if_interrupted()
    validation = files.write(visit.job, visit.service, visit.ctx.workdir, "validation")
    assert train is not None  # the rules of every service need an example
    for warning in train.warnings:
        visit.ctx.event("data", warning, level="warning")
    visit.ctx.event("data", f"The file of {train.examples:,} training examples follows {visit.service.title}'s rules.")
    visit.ctx.progress(10, PHASE_SUBMIT, f"Uploading to {visit.choice.host}")
    file_id = _sent(visit, train, visit.run.training_file, 10, 16)
    visit.note(training_file=file_id)
    if validation is not None:
        file_id = _sent(visit, validation, visit.run.validation_file, 16, 18)
        visit.note(validation_file=file_id)


def _sent(visit: Visit, file: ServiceFile, earlier: str, begin: float, end: float) -> str:
    def beat(share: float) -> None:
        visit.ctx.progress(begin + (end - begin) * share, PHASE_SUBMIT, f"Uploading to {visit.choice.host}")
        visit.ctx.raise_if_interrupted()

    endpoint = visit.endpoint
    visit.ctx.allow(endpoint.timeout_s + 10)
    assert file.path is not None
    return visit.service.upload(endpoint, file.path, sha256=file.sha256, earlier=earlier, beat=beat)


def _note_price(visit: Visit) -> None:
    """Note the service's own estimate, which needs the uploaded files; a job goes on without it."""
    if not visit.service.capabilities.price_call:
        return
    visit.ctx.allow(visit.endpoint.timeout_s + 10)
    try:
        price = visit.service.estimate_usd(visit.endpoint, _request(visit))
    except LlmError:
        return
    if price is not None:
        visit.note(estimated_usd=price)
        visit.ctx.event("data", f"{visit.service.title} estimates {usd(price)}.")


def _request(visit: Visit) -> HostedRun:
    return HostedRun(
        intent=visit.run.intent,
        name=visit.job.name,
        base_model=visit.job.base_model,
        method=visit.job.method,
        training_file=visit.run.training_file,
        validation_file=visit.run.validation_file,
        hyperparameters=visit.choice.hyperparameters,
        seed=visit.choice.seed,
    )
