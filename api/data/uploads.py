"""`/api/v1/uploads`: files as they are, in one piece or in parts, before they become datasets."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import Path, Query, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from api.data.files import file_form, file_of
from api.data.shapes import BeginUpload, PartialShown, UploadShown
from api.platform.records import After, Limit, RecordPage, page, records
from api.platform.scopes import needs
from core.services.data import chat_import, chunked_uploads, sources
from core.services.data.sources import SourceRecord
from core.services.platform.api_keys import DATA, READ

router: Final = records("/api/v1/uploads", "Uploads")
ORIGIN: Final = "api"
Kind = Annotated[Literal["table", "conversations"], Query(description="conversations: an exported chat log")]


@router.post("", dependencies=[needs(DATA)], status_code=201, openapi_extra=file_form())
async def upload(request: Request, kind: Kind = "table") -> UploadShown:
    """Store a file: a table, labeled examples, or an exported chat log."""
    async with request.form(max_files=1, max_fields=8) as form:
        return UploadShown.of(await run_in_threadpool(_store, file_of(form), kind))


def _store(file: UploadFile, kind: str) -> SourceRecord:
    name = file.filename or "upload"
    return (
        chat_import.ingest(file.file, name)
        if kind == "conversations"
        else sources.ingest(file.file, name, origin=ORIGIN)
    )


@router.get("", dependencies=[needs(READ, DATA)])
def list_uploads(limit: Limit = 50, after: After = "") -> RecordPage[UploadShown]:
    """The files that programs have uploaded, the newest first."""
    return page(sources.newest(ORIGIN, after=after, limit=limit + 1), limit, UploadShown)


@router.post("/parts", dependencies=[needs(DATA)], status_code=201)
def begin(asked: BeginUpload) -> PartialShown:
    """Begin an upload in parts of at most 8 MB each."""
    return PartialShown.of(chunked_uploads.begin(asked.filename))


@router.get("/parts/{upload_id}", dependencies=[needs(READ, DATA)])
def arrived(upload_id: str) -> PartialShown:
    """Which parts have arrived."""
    return PartialShown.of(chunked_uploads.get(upload_id))


@router.put("/parts/{upload_id}/{number}", dependencies=[needs(DATA)], openapi_extra={
    "requestBody": {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
})  # fmt: skip
async def put(upload_id: str, number: Annotated[int, Path(ge=1, le=1_000)], request: Request) -> PartialShown:
    """Send a part; one that is sent again replaces the earlier one."""
    content = await request.body()
    return PartialShown.of(await run_in_threadpool(chunked_uploads.put, upload_id, number, content))


@router.post("/parts/{upload_id}/complete", dependencies=[needs(DATA)], status_code=201)
def complete(upload_id: str) -> UploadShown:
    """Join the parts into a file."""
    return UploadShown.of(chunked_uploads.complete(upload_id))


@router.delete("/parts/{upload_id}", dependencies=[needs(DATA)], status_code=204)
def give_up(upload_id: str) -> Response:
    """Delete the parts."""
    chunked_uploads.delete(upload_id)
    return Response(status_code=204)


@router.get("/{upload_id}", dependencies=[needs(READ, DATA)])
def get_upload(upload_id: str) -> UploadShown:
    """One file."""
    return UploadShown.of(sources.get(upload_id))


@router.get("/{upload_id}/analysis", dependencies=[needs(READ, DATA)])
def analysis(upload_id: str) -> dict[str, Any]:
    """Columns, rows, the shape if it is a known one, and the suggested template with its columns."""
    return sources.analyze(upload_id).to_dict()
