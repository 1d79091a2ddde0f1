"""Where models are served: one file per target, one line each in the registry below."""

from __future__ import annotations

from typing import Final

from core.errors import NotFound
from core.serving.targets.base import Answerable, ChatOptions, Chunk, Target
from core.serving.targets.studio import Studio

TARGETS: Final[dict[str, Target]] = {}


def add(target: Target) -> None:
    """Put a target into the registry. Raises ValueError when its id is there already."""
    if target.id in TARGETS:
        raise ValueError(f"There are two targets with the id {target.id!r}.")
    TARGETS[target.id] = target


add(Studio())


def get_target(target_id: str) -> Target:
    """The target of an id. Raises NotFound with the ids that exist."""
    if target_id not in TARGETS:
        raise NotFound(f"There is no target {target_id!r}.", f"Choose one of: {', '.join(TARGETS)}.")
    return TARGETS[target_id]


__all__ = ["TARGETS", "Answerable", "ChatOptions", "Chunk", "Target", "add", "get_target"]
