"""`/api/v1/models`: fine-tuned models."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Query, Request
from fastapi.responses import Response, StreamingResponse

from api.platform.records import add_routes, records
from api.platform.scopes import name_of_caller, needs
from api.platform.shapes import TaskShown
from api.serving.agent_shapes import AgentShown
from api.serving.evaluation_shapes import EvaluationShown, ModelScoreShown
from api.training.shapes import Deployed, FormatShown, ModelChange, ModelShown, ServiceDeployment
from core.services.platform.api_keys import READ, SERVE
from core.services.serving import agents, chat, from_code, model_files
from core.services.serving.evaluating import testing
from core.services.serving.publishing import there
from core.services.training import models

router: Final = records("/api/v1/models", "Models")
_READING: Final = [needs(READ, SERVE)]
_SERVING: Final = [needs(SERVE)]


def _annotate(model_id: str, asked: ModelChange, _by: str) -> None:
    if asked.notes is not None:
        models.set_notes(model_id, asked.notes)


ROUTES: Final = add_routes(
    router, models, models.get_model, ModelShown, noun="model", reading=_READING, writing=_SERVING,
    remains="its files are deleted too, its job remains", change=ModelChange, apply=_annotate,
)  # fmt: skip


@router.get("/{model_id}/scores", dependencies=_READING)
def scores(model_id: str) -> list[ModelScoreShown]:
    """What the newest evaluation on its dataset measured, the score of the model first; empty before the first one."""
    return [ModelScoreShown.of(score) for score in models.scores(models.get_model(model_id))]


@router.post("/{model_id}/test", dependencies=_SERVING, status_code=202)
def test(model_id: str) -> EvaluationShown:
    """Let a model and its base answer the test split of its dataset, in the background; it has one test at a time."""
    return EvaluationShown.of(testing.start(models.get_model(model_id).id))


@router.post("/{model_id}/deploy", dependencies=_SERVING)
def deploy(model_id: str) -> Deployed:
    """Serve a model here: restore it if it is archived, start loading, and say how programs ask it."""
    done = from_code.deploy(model_id)
    chat.warm_up()
    names = list(dict.fromkeys((done.model.id, done.model.name, done.name)))
    return Deployed(model=ModelShown.of(done.model), base_url=done.base_url, names=names)


@router.get("/{model_id}/service-deployment", dependencies=_READING)
def service_deployment(model_id: str) -> ServiceDeployment:
    """The deployment of a model at the service that trained it, as the service shows it now."""
    return ServiceDeployment.of(there.look(model_id))


@router.post("/{model_id}/service-deployment", dependencies=_SERVING, status_code=202)
def deploy_there(model_id: str) -> TaskShown:
    """Deploy a model at the service that trained it, in the background; only services that offer it."""
    return TaskShown.of(there.begin(model_id))


@router.delete("/{model_id}/service-deployment", dependencies=_SERVING, status_code=204)
def retire_there(model_id: str) -> None:
    """Retire that deployment; a model that only answers there no longer answers."""
    there.retire(model_id)


@router.post("/{model_id}/archive", dependencies=_SERVING)
def archive(model_id: str) -> ModelShown:
    """No longer serve or offer a model; its files remain."""
    model = models.get_model(model_id)
    models.archive([model.id])
    return ModelShown.of(models.get_model(model.id))


@router.post("/{model_id}/restore", dependencies=_SERVING)
def restore(model_id: str) -> ModelShown:
    """Serve an archived model again."""
    model = models.get_model(model_id)
    models.restore([model.id])
    return ModelShown.of(models.get_model(model.id))


@router.post("/{model_id}/move_agents", dependencies=_SERVING)
def move_agents(model_id: str, request: Request) -> list[AgentShown]:
    """Let the agents that use a model answer with their second or fallback model, so that it can be archived."""
    moved = agents.move_off(models.get_model(model_id).id, author=name_of_caller(request))
    return [AgentShown.of(agent) for agent in moved]


@router.get("/{model_id}/formats", dependencies=_READING)
def formats(model_id: str) -> list[FormatShown]:
    """The formats of the model's files for other programs, with the reason for each that is refused."""
    return [FormatShown.of(choice) for choice in model_files.choices(models.get_model(model_id))]


@router.post("/{model_id}/formats/{format_id}", dependencies=_SERVING, status_code=202)
def write_format(model_id: str, format_id: str) -> TaskShown:
    """Write a model in a format, in the background; an adapter is merged first where the format needs it."""
    return TaskShown.of(model_files.begin(models.get_model(model_id).id, format_id))


@router.get("/{model_id}/download", dependencies=_READING, response_class=StreamingResponse)
def download(
    model_id: str, format: Annotated[str, Query(max_length=60, description="of GET .../formats")] = "adapter"
) -> Response:
    """The model's files in a format, as a zip archive; one that takes long is written first (POST .../formats/ID)."""
    found = model_files.download(models.get_model(model_id).id, format)
    headers = {"Content-Disposition": f'attachment; filename="model-{format}.zip"'}
    return StreamingResponse(found.blocks(), media_type="application/zip", headers=headers)
