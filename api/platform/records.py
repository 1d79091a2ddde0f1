"""What the routes of `/api` share: records with an ETag, pages with a cursor, and requests that are answered once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine, Sequence
from typing import Annotated, Any, Final, Generic, Self, TypeVar

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict

from api.platform.idempotency import once
from api.platform.problems import Problem

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
Limit = Annotated[int, Query(ge=1, le=200, description="the most entries of a page")]
After = Annotated[str, Query(max_length=100, description="`next` of the page before")]
CHANGED: Final = Problem(
    412, "changed", "The record has changed in the meantime.", "Read it again, and send its new ETag.", "If-Match"
)
_reading: dict[str, Handler] = {}  # by the path of a record: how it is read
T = TypeVar("T", bound=BaseModel)


class Shown(BaseModel):
    """A record of a service, with the fields that the API shows."""

    model_config = ConfigDict(from_attributes=True)

    @classmethod
    def of(cls, record: object) -> Self:
        """The fields of a record."""
        return cls.model_validate(record)


class RecordPage(BaseModel, Generic[T]):
    """Some entries, the newest first; `next` begins the next page, null on the last one."""

    data: list[T]
    next: str | None


def page(found: Sequence[Any], limit: int, shown: type[T]) -> RecordPage[T]:
    """The page of records that were read with one more than `limit`."""
    of = getattr(shown, "of")  # noqa: B009  every shown record has it
    more = len(found) > limit
    return RecordPage(data=[of(record) for record in found[:limit]], next=found[limit - 1].id if more else None)


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


def _tag(response: Response) -> str:
    return f'"{hashlib.sha256(bytes(response.body)).hexdigest()[:24]}"'


def _listed(header: str) -> set[str]:
    return {part.strip().removeprefix("W/") for part in header.split(",")}
