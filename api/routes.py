"""The groups of routes of the API. A group is one file with a `router`, and one line here."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from api.data import datasets, files, uploads
from api.models import base_models
from api.platform import connections, described, keys, notices, spending, tasks
from api.serving import agents, chats, completions, evaluations, feedback, models, shutdowns
from api.training import fine_tuning, first_names, jobs, models as tuned_models
from core.registry import Registry

ROUTES: Final = Registry[APIRouter]("group of API routes", key=lambda router: str(router.tags[0]))
ROUTES.add(models.router)
ROUTES.add(completions.router)
ROUTES.add(files.router)
ROUTES.add(fine_tuning.router)
ROUTES.add(uploads.router)
ROUTES.add(datasets.router)
ROUTES.add(jobs.router)
ROUTES.add(tuned_models.router)
ROUTES.add(base_models.router)
ROUTES.add(base_models.methods_router)
ROUTES.add(agents.router)
ROUTES.add(chats.router)
ROUTES.add(feedback.router)
ROUTES.add(evaluations.router)
ROUTES.add(tasks.router)
ROUTES.add(spending.router)
ROUTES.add(keys.router)
ROUTES.add(connections.router)
ROUTES.add(connections.services_router)
ROUTES.add(notices.router)
ROUTES.add(shutdowns.router)
ROUTES.add(first_names.router)
ROUTES.add(described.router)
