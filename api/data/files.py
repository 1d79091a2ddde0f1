"""`/v1/files`: files of labeled examples, in OpenAI's shapes. The figures of a run are a file too."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile

from api.data.openai_shapes import DeletedFile, FileList, FileObject
from api.platform.scopes import needs
from core.errors import DataError
from core.services.data import training_files
from core.services.data.training_files import TrainingFile
from core.services.platform.api_keys import DATA, READ
from core.services.training import jobs, monitoring

router: Final = APIRouter(prefix="/v1/files", tags=["OpenAI: files"])

PURPOSE: Final = "fine-tune"
RESULTS: Final = "metrics-"  # begins the id of a run's figures


def file_form(**fields: Any) -> dict[str, Any]:
    """The description of a form with a file, and of its other fields."""
    properties = {"file": {"type": "string", "format": "binary"}, **fields}
    schema = {"type": "object", "required": list(properties), "properties": properties}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


def file_of(form: FormData) -> UploadFile:
    """The file of a form. Raises DataError."""
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise DataError("No file was sent.", "Send it in the field `file` of a form.", code="no_file", field="file")
    return file


_FORM: Final = file_form(purpose={"type": "string", "enum": [PURPOSE]})


@router.post("", dependencies=[needs(DATA)], openapi_extra=_FORM, response_model_exclude_none=True)
async def upload(request: Request) -> FileObject:
    """Upload labeled examples: JSONL in chat format, or any other file that *Upload* recognizes."""
    async with request.form(max_files=1, max_fields=8) as form:
        file, purpose = file_of(form), form.get("purpose")
        if purpose != PURPOSE:
            text = f"The purpose {str(purpose)[:60]!r} is not offered."
            raise DataError(text, f"Use {PURPOSE}.", code="purpose", field="purpose")
        if any(name.startswith("expires_after") for name in form):
            text = "Files do not expire here."
            raise DataError(text, "Delete the file.", code="expires_after", field="expires_after")
        return _shown(await run_in_threadpool(training_files.upload, file.file, file.filename or "upload"))


@router.get("", dependencies=[needs(READ, DATA)], response_model_exclude_none=True)
def list_files(
    purpose: str = PURPOSE,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 100,
    order: Literal["asc", "desc"] = "desc",
    after: str = "",
) -> FileList:
    """The uploaded files, the newest first."""
    found = training_files.list_files(after=after, limit=limit + 1, oldest_first=order == "asc")
    shown = [_shown(file) for file in found[:limit]] if purpose == PURPOSE else []
    first, last = (shown[0].id, shown[-1].id) if shown else ("", "")
    return FileList(data=shown, first_id=first, last_id=last, has_more=bool(shown) and len(found) > limit)


@router.get("/{file_id}", dependencies=[needs(READ, DATA)], response_model_exclude_none=True)
def get_file(file_id: str) -> FileObject:
    """One file: whether its examples were imported, and what is wrong with them."""
    if not file_id.startswith(RESULTS):
        return _shown(training_files.get(file_id))
    job, content = jobs.get_job(file_id.removeprefix(RESULTS)), monitoring.metrics_csv(file_id.removeprefix(RESULTS))
    return FileObject(
        id=file_id,
        bytes=len(content),
        created_at=int(job.finished_at or job.created_at),
        filename=f"{job.name} metrics.csv",
        purpose="fine-tune-results",
        status="processed",
    )


@router.get("/{file_id}/content", dependencies=[needs(READ, DATA)], response_class=Response)
def content(file_id: str) -> Response:
    """The bytes of a file as they were uploaded, or the figures of a run as CSV."""
    if file_id.startswith(RESULTS):
        return Response(monitoring.metrics_csv(file_id.removeprefix(RESULTS)), media_type="text/csv")
    return StreamingResponse(training_files.content(file_id), media_type="application/octet-stream")


@router.delete("/{file_id}", dependencies=[needs(DATA)])
def delete_file(file_id: str) -> DeletedFile:
    """Delete a file. The dataset that was made of it remains."""
    training_files.delete(file_id)
    return DeletedFile(id=file_id)


def _shown(file: TrainingFile) -> FileObject:
    return FileObject(
        id=file.id,
        bytes=file.size_bytes,
        created_at=int(file.created_at),
        filename=file.filename,
        status=file.state,
        status_details=file.details or None,
        dataset=file.dataset_id or None,
    )
