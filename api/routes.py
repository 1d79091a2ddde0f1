"""The groups of routes of the API. A group is one file with a `router`, and one line here."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from api.data import files
from api.serving import completions, models
from api.training import fine_tuning
from core.registry import Registry

ROUTES: Final = Registry[APIRouter]("group of API routes", key=lambda router: str(router.tags[0]))
ROUTES.add(models.router)
ROUTES.add(completions.router)
ROUTES.add(files.router)
ROUTES.add(fine_tuning.router)
