"""`/v1/models`: the models that answer here, in OpenAI's shape."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from api.platform.scopes import needs
from api.serving.openai_shapes import ModelList, ModelObject
from core.errors import NotFound
from core.services.platform.api_keys import READ, SERVE
from core.services.serving import agents, served
from core.services.serving.agents import AgentRecord
from core.services.serving.served import ServedName

router: Final = APIRouter(prefix="/v1", tags=["OpenAI: models"], dependencies=[needs(READ, SERVE)])


@router.get("/models")
def list_models() -> ModelList:
    """The base models on this machine, the active fine-tuned ones, and the agents."""
    found = [_shown(model) for model in served.served_models()]
    return ModelList(data=[*found, *(_of_agent(agent) for agent in agents.list_agents())])


@router.get("/models/{model:path}")
def get_model(model: str) -> ModelObject:
    """One of them, by its id, title or slug."""
    return _of_agent(agents.get_agent(model)) if model.startswith(agents.PREFIX) else _shown(find(model))


def find(name: str) -> ServedName:
    """Raises NotFound with where to look."""
    every = served.served_models()
    for names in ([model.id for model in every], [model.title for model in every], [model.slug for model in every]):
        if name in names:
            return every[names.index(name)]
    raise NotFound(f"The model {name!r} does not exist.", "GET /v1/models lists the available ones.")


def _shown(model: ServedName) -> ModelObject:
    return ModelObject(
        id=model.id, created=int(model.created_at), title=model.title, slug=model.slug, base_model=model.base_id
    )


def _of_agent(agent: AgentRecord) -> ModelObject:
    name = agent.model_name
    created, model = int(agent.created_at), agent.version.model_id
    return ModelObject(id=name, created=created, title=agent.name, slug=name, base_model=model)
