"""`/api/v1/notices`: what happened, and the targets that are told."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Query, Response

from api.platform.idempotency import NOT_STORED
from api.platform.notice_shapes import NewTarget, NoticeShown, TargetChange, TargetShown, TestShown
from api.platform.records import records
from api.platform.scopes import needs
from core.services.platform import notices
from core.services.platform.api_keys import ADMIN, READ

router: Final = records("/api/v1/notices", "Notices")


@router.get("", dependencies=[needs(READ)])
def list_notices(
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[int, Query(ge=0, le=2**31 - 1, description="only notices with a smaller id")] = 0,
    kind: Annotated[str, Query(max_length=40)] = "",
) -> list[NoticeShown]:
    """The newest notices, the newest first."""
    return [NoticeShown.of(notice) for notice in notices.newest(limit=limit, before=before, kind=kind)]


@router.get("/targets", dependencies=[needs(ADMIN)])
def list_targets() -> list[TargetShown]:
    """Where notices are delivered to; addresses are never shown."""
    return [TargetShown.of(target) for target in notices.list_targets()]


@router.post("/targets", status_code=201, dependencies=[needs(ADMIN)])
def create_target(asked: NewTarget, response: Response) -> TargetShown:
    """Add a target. Its address is a secret: it is stored in a private file."""
    response.headers.update(NOT_STORED)
    return TargetShown.of(notices.save(**asked.values()))


@router.put("/targets/{target_id}", dependencies=[needs(ADMIN)])
def change_target(target_id: str, asked: TargetChange, response: Response) -> TargetShown:
    """Change a target; without an address it keeps the stored one."""
    response.headers.update(NOT_STORED)
    return TargetShown.of(notices.save(id=notices.get(target_id).id, **asked.values()))


@router.post("/targets/{target_id}/test", dependencies=[needs(ADMIN)])
def test_target(target_id: str) -> TestShown:
    """Send a test message now, and say what became of it."""
    return TestShown.of(notices.test(target_id))


@router.delete("/targets/{target_id}", status_code=204, dependencies=[needs(ADMIN)])
def delete_target(target_id: str) -> None:
    """Delete a target and its address."""
    notices.delete(target_id)
