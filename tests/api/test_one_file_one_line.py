"""A new group of API routes is one file and one line: a dummy answers, behind the same key, limits and errors."""

from __future__ import annotations

from fastapi import APIRouter

from api.platform.scopes import needs
from api.routes import ROUTES
from core.errors import NotFound
from core.services.platform.api_keys import TRAIN
from tests.support.registry import registered

ROWS = (
    (
        "a group of API routes",
        "api/serving/<subject>.py",
        "api/routes.py: ROUTES.add(...)",
    ),
)

router = APIRouter(prefix="/api/v1/songs", tags=["Songs"], dependencies=[needs(TRAIN)])


@router.get("/{name}")
def sing(name: str) -> dict[str, str]:
    if name != "rows":
        raise NotFound(f"There is no song {name!r}.", "Sing another one.")
    return {"song": "La la rows"}


def test_a_new_group_answers_behind_the_entry(open_api, new_key) -> None:
    with registered(ROUTES, router):
        assert open_api().get("/api/v1/songs/rows").json() == {"song": "La la rows"}
        missing = open_api().get("/api/v1/songs/none")
        assert (missing.status_code, missing.json()["remedy"]) == (404, "Sing another one.")
        key = new_key("read")
        assert open_api().get("/api/v1/songs/rows").status_code == 401
        assert open_api(key=key).get("/api/v1/songs/rows").status_code == 403
        assert open_api(key=new_key("train")).get("/api/v1/songs/rows").status_code == 200
