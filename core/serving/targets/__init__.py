"""Where models are served: one file per target, one line each in the registry below."""

from __future__ import annotations

from typing import Final

from core.errors import Conflict
from core.models.base_models.records import BaseModelRef
from core.models.methods import Method
from core.registry import Registry
from core.serving.targets.base import AnswerChunk, Availability, ChatOptions, Target
from core.serving.targets.studio import Studio

TARGETS: Final = Registry[Target]("target")
TARGETS.add(Studio())


def target_for(base: BaseModelRef, method: Method | None) -> Target:
    """The first target that can serve a model.

    Args:
        method: that it was trained with; None for the base itself.

    Raises:
        Conflict: no target can; gives each one's reason.
    """
    reasons = []
    for target in TARGETS:
        verdict = target.can_serve(base, method)
        if verdict.ok:
            return target
        reasons.append(f"{target.title}: {verdict.reason}")
    raise Conflict(f"No target can serve this model on {base.title}. {' '.join(reasons)}", "Choose another model.")
