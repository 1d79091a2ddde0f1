"""`/fine-tuning/...`: the names that the first product had, answered by the same functions."""

from __future__ import annotations

from typing import Final

from api.data import datasets
from api.platform.records import records
from api.platform.scopes import needs
from api.platform.shapes import TaskShown
from api.training import jobs, models
from api.training.shapes import JobShown
from core.services.platform.api_keys import DATA, READ, SERVE, TRAIN

router: Final = records("/fine-tuning", "The first product's names")

_READ_DATA, _DATA = [needs(READ, DATA)], [needs(DATA)]
_READ_JOBS, _TRAIN = [needs(READ, TRAIN)], [needs(TRAIN)]
_READ_MODELS, _SERVE = [needs(READ, SERVE)], [needs(SERVE)]


@router.post("/jobs/{job_id}/cancel", dependencies=_TRAIN)
def cancel(job_id: str) -> JobShown:
    """End a job without a model."""
    return jobs.act(job_id, "cancel")


@router.post("/datasets/{dataset_id}/validate", dependencies=_DATA, status_code=202)
def validate(dataset_id: str) -> TaskShown:
    """Check the newest version again, in the background."""
    return datasets.validate(dataset_id)


for _path, _function, _method, _status, _scopes in (
    ("/datasets", datasets.ROUTES.list, "GET", 200, _READ_DATA),
    ("/datasets", datasets.create_dataset, "POST", 202, _DATA),
    ("/datasets/import-from-conversations", datasets.import_from_conversations, "POST", 202, _DATA),
    ("/datasets/{record_id}", datasets.ROUTES.get, "GET", 200, _READ_DATA),
    ("/jobs", jobs.ROUTES.list, "GET", 200, _READ_JOBS),
    ("/jobs", jobs.create_job, "POST", 201, _TRAIN),
    ("/jobs/estimate-cost", jobs.estimate, "POST", 200, _READ_JOBS),
    ("/jobs/{record_id}", jobs.ROUTES.get, "GET", 200, _READ_JOBS),
    ("/models", models.ROUTES.list, "GET", 200, _READ_MODELS),
    ("/models/{model_id}/deploy", models.deploy, "POST", 200, _SERVE),
    ("/models/{model_id}/archive", models.archive, "POST", 200, _SERVE),
):
    router.add_api_route(_path, _function, methods=[_method], status_code=_status, dependencies=_scopes)
