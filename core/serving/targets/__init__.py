"""Where models are served: one file per target, one line each in the registry below."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from core.errors import Conflict, NotFound
from core.models.base_models.records import BaseModelRef
from core.models.methods import Method
from core.registry import Registry
from core.serving.targets.base import AnswerChunk, AnsweringTarget, Availability, ChatOptions, Target
from core.serving.targets.llama_cpp import LlamaCpp
from core.serving.targets.llama_server import LlamaServerElsewhere
from core.serving.targets.ollama import OllamaTarget
from core.serving.targets.publishing import PublishingTarget
from core.serving.targets.studio import Studio
from core.serving.targets.vllm import Vllm

TARGETS: Final = Registry[Target]("target")
TARGETS.add(Studio())
TARGETS.add(LlamaCpp())
TARGETS.add(LlamaServerElsewhere())
TARGETS.add(OllamaTarget())
TARGETS.add(Vllm())


def answering() -> Iterator[AnsweringTarget]:
    """The targets that serve every active model, without publishing it first."""
    for target in TARGETS:
        if isinstance(target, AnsweringTarget) and not isinstance(target, PublishingTarget):
            yield target


def target_for(base: BaseModelRef, method: Method | None) -> AnsweringTarget:
    """The first target that can serve a model without publishing it first.

    Args:
        method: that it was trained with; None for the base itself.

    Raises:
        Conflict: no target can; gives each one's reason.
    """
    reasons = []
    for target in answering():
        verdict = target.can_serve(base, method)
        if verdict.ok:
            return target
        reasons.append(f"{target.title}: {verdict.reason}")
    raise Conflict(f"No target can serve this model on {base.title}. {' '.join(reasons)}", "Choose another model.")


def publishing(target_id: str) -> PublishingTarget:
    """A target that models are published to. Raises NotFound."""
    target = TARGETS.get(target_id)
    if not isinstance(target, PublishingTarget):
        raise NotFound(f"{target.title} serves every active model; nothing is published there.", "")
    return target
