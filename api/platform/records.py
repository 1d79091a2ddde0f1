"""What the routes of `/api` share: records with an ETag, pages with a cursor, and requests that are answered once.

`add_routes` adds what every kind of record has: list, get, change and delete.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Generic, Protocol, Self, TypeVar

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field

from api.platform.idempotency import once
from api.platform.problems import Problem
from api.platform.scopes import name_of_caller

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
Limit = Annotated[int, Query(ge=1, le=200, description="the most entries of a page")]
After = Annotated[str, Query(max_length=100, description="`next` of the page before")]
CHANGED: Final = Problem(
    412, "changed", "The record has changed in the meantime.", "Read it again, and send its new ETag.", "If-Match"
)
_reading: dict[str, Handler] = {}  # by the path of a record: how it is read


class Renamed(BaseModel):
    """A change of a record; what is left out remains."""

    name: str | None = Field(default=None, max_length=200)
    archived: bool | None = None


class RecordStore(Protocol):
    """The service behind a kind of record; a module of `core.services` is one."""

    def newest(self, after: str, *, archived: bool, limit: int) -> Sequence[Any]: ...
    def rename(self, record_id: str, name: str, /) -> object: ...
    def archive(self, ids: Sequence[str], /) -> int: ...
    def restore(self, ids: Sequence[str], /) -> int: ...
    def delete(self, record_id: str, confirm: str, /) -> None: ...


class Shown(BaseModel):
    """A record of a service, with the fields that the API shows."""

    model_config = ConfigDict(from_attributes=True)

    @classmethod
    def of(cls, record: object) -> Self:
        """The fields of a record."""
        return cls.model_validate(record)


T = TypeVar("T", bound=Shown)


class RecordPage(BaseModel, Generic[T]):
    """Some entries, the newest first; `next` begins the next page, null on the last one."""

    data: list[T]
    next: str | None


def page(found: Sequence[Any], limit: int, shown: type[T]) -> RecordPage[T]:
    """The page of records that were read with one more than `limit`."""
    more = len(found) > limit
    return RecordPage(data=[shown.of(record) for record in found[:limit]], next=found[limit - 1].id if more else None)


class RecordRoute(APIRoute):
    """A route whose responses carry an ETag: `If-None-Match` saves reading again, `If-Match` prevents overwriting.

    A POST with an `Idempotency-Key` is answered once.
    """

    def get_route_handler(self) -> Handler:
        handler = super().get_route_handler()
        if "GET" in (self.methods or ()):
            _reading[self.path] = handler

        async def answer(request: Request) -> Response:
            if request.method == "POST":
                return await once(request, handler)
            expected = request.headers.get("if-match", "")
            if request.method in ("PATCH", "PUT", "DELETE") and expected not in ("", "*") and self.path in _reading:
                now = await _reading[self.path](Request({**request.scope, "method": "GET"}))
                if _tag(now) not in _listed(expected):
                    return CHANGED.response(request.url.path)
            response = await handler(request)
            if request.method != "GET" or not response.headers.get("content-type", "").startswith("application/json"):
                return response
            tag = _tag(response)
            response.headers["ETag"] = tag
            if tag in _listed(request.headers.get("if-none-match", "")):
                return Response(status_code=304, headers={"ETag": tag})
            return response

        return answer


def records(prefix: str, tag: str, **options: Any) -> APIRouter:
    """The router of a group of records."""
    return APIRouter(prefix=prefix, tags=[tag], route_class=RecordRoute, **options)


@dataclass(frozen=True, slots=True)
class RecordRoutes:
    """The functions behind two of the routes, for further paths that answer with the same."""

    list: Callable[..., Any]
    get: Callable[..., Any]


def add_routes(
    router: APIRouter,
    store: RecordStore,
    get: Callable[[str], Any],
    shown: type[T],
    *,
    noun: str,
    reading: Sequence[Any],
    writing: Sequence[Any],
    remains: str,
    change: type[Renamed] = Renamed,
    apply: Callable[[str, Any, str], object] = lambda record_id, asked, by: None,
) -> RecordRoutes:
    """Add the routes to list, get, change and delete a kind of record.

    Args:
        get: reads a record by its id or name. Raises NotFound.
        reading, writing: the dependencies of these routes.
        remains: what is not deleted with it, as the rest of a sentence.
        change: the body of a change; `apply` makes the changes that it adds to a new name and the archive. Its last
            argument is the name of the key that asks.
    """

    def list_records(limit: Limit = 50, after: After = "", archived: bool = False) -> Any:
        return page(store.newest(after, archived=archived, limit=limit + 1), limit, shown)

    def get_record(record_id: str) -> Any:
        return shown.of(get(record_id))

    def change_record(record_id: str, asked: Any, request: Request) -> Any:
        own = get(record_id).id
        if asked.name is not None:
            store.rename(own, asked.name)
        apply(own, asked, name_of_caller(request))
        if asked.archived is not None:
            (store.archive if asked.archived else store.restore)([own])
        return shown.of(get(own))

    def delete_record(record_id: str, confirm: Annotated[str, Query(description="the name of the record")]) -> Response:
        store.delete(get(record_id).id, confirm)
        return Response(status_code=204)

    # FastAPI reads the shapes of bodies and answers from the annotations.
    list_records.__annotations__["return"] = RecordPage[shown]  # type: ignore[valid-type]
    get_record.__annotations__["return"] = change_record.__annotations__["return"] = shown
    change_record.__annotations__["asked"] = change
    for path, function, method, status, needed, name, text in (
        ("", list_records, "GET", 200, reading, f"list_{noun}s", f"The {noun}s, the newest first."),
        ("/{record_id}", get_record, "GET", 200, reading, f"get_{noun}", f"One {noun}, by its id or name."),
        ("/{record_id}", change_record, "PATCH", 200, writing, f"change_{noun}", f"Change or archive a {noun}."),
        ("/{record_id}", delete_record, "DELETE", 204, writing, f"delete_{noun}", f"Delete a {noun}; {remains}."),
    ):
        router.add_api_route(
            path, function, methods=[method], status_code=status, dependencies=needed, name=name, description=text
        )
    return RecordRoutes(list_records, get_record)


def _tag(response: Response) -> str:
    return f'"{hashlib.sha256(bytes(response.body)).hexdigest()[:24]}"'


def _listed(header: str) -> set[str]:
    return {part.strip().removeprefix("W/") for part in header.split(",")}
