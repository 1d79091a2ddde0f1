"""A model that a recorded service has trained, whose base is not on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from core.services.platform import connections
from core.services.training import jobs, models
from core.services.training.hosted import bases
from core.services.training.models import ModelRecord
from tests.support.hosted.server import KEY
from tests.support.hosted.services import NebiusService
from tests.support.jobs import make_dataset
from tests.support.notebook import visit


@contextmanager
def nebius() -> Iterator[NebiusService]:
    """A running service that was asked nothing against its published shapes."""
    running = NebiusService()
    try:
        yield running
    finally:
        running.close()
    assert running.violations == []


def at_nebius(server: NebiusService) -> ModelRecord:
    """A job through the connection “Nebius”, brought to its model."""
    bases._known.clear()
    connection = connections.save(name="Nebius", kind="openai", base_url=server.url, key=KEY, training="nebius")
    job = jobs.create(
        dataset_id=make_dataset(validation=12).id, name="Items", draft_key=None, connection=connection.id,
        base_model="meta-llama/Llama-3.1-8B-Instruct", method="lora",
    )  # fmt: skip
    assert visit(job.task_id).state == "queued"
    (remote,) = server.jobs
    server.finish(remote)
    ended = visit(job.task_id)
    assert ended.state == "succeeded", ended.error
    return models.get_model(ended.result["model_id"])
