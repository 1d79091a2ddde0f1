"""`/api/v1/models`: fine-tuned models."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Query
from fastapi.responses import Response, StreamingResponse

from api.platform.records import After, Limit, RecordPage, page, records
from api.platform.scopes import needs
from api.platform.shapes import TaskShown
from api.training.shapes import Deployed, FormatShown, ModelChange, ModelShown
from core.services.platform.api_keys import READ, SERVE
from core.services.serving import chat, model_files, served
from core.services.training import models
from core.settings import get_settings

router: Final = records("/api/v1/models", "Models")
_READING: Final = [needs(READ, SERVE)]
_SERVING: Final = [needs(SERVE)]


@router.get("", dependencies=_READING)
def list_models(limit: Limit = 50, after: After = "", archived: bool = False) -> RecordPage[ModelShown]:
    """The models, the newest first."""
    return page(models.newest(after, archived=archived, limit=limit + 1), limit, ModelShown)


@router.get("/{model_id}", dependencies=_READING)
def get_model(model_id: str) -> ModelShown:
    """One model, by its id or name."""
    return ModelShown.of(models.get_model(model_id))


@router.patch("/{model_id}", dependencies=_SERVING)
def change_model(model_id: str, change: ModelChange) -> ModelShown:
    """Rename, annotate, archive or restore a model."""
    model = models.get_model(model_id)
    if change.name is not None:
        models.rename(model.id, change.name)
    if change.notes is not None:
        models.set_notes(model.id, change.notes)
    if change.archived is not None:
        (models.archive if change.archived else models.restore)([model.id])
    return ModelShown.of(models.get_model(model.id))


@router.delete("/{model_id}", dependencies=_SERVING, status_code=204)
def delete_model(model_id: str, confirm: Annotated[str, Query(description="the name of the model")]) -> Response:
    """Delete a model and its files; its job remains."""
    models.delete(models.get_model(model_id).id, confirm)
    return Response(status_code=204)


@router.post("/{model_id}/deploy", dependencies=_SERVING)
def deploy(model_id: str) -> Deployed:
    """Serve a model here: restore it if it is archived, start loading, and say how programs ask it."""
    model = models.get_model(model_id)
    models.restore([model.id])
    chat.warm_up()
    found = next(one for one in served.served_models() if one.id == model.id)
    names = list(dict.fromkeys((found.id, found.title, found.slug)))
    shown = ModelShown.of(models.get_model(model.id))
    return Deployed(model=shown, base_url=f"{get_settings().api_url}/v1", names=names)


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
