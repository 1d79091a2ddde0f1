"""The objects of `/v1/models`, in OpenAI's shapes."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel


class ModelObject(BaseModel):
    """A model that answers. Ask it by `id`, `title` or `slug`."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: Literal["sft-studio"] = "sft-studio"
    title: str
    slug: str
    base_model: str


class ModelList(BaseModel):
    object: Literal["list"] = "list"
    data: list[ModelObject]
