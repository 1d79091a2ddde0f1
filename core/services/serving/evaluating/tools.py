"""Whether models can be asked examples with tools: their chat templates must pass tools on, and write calls that can
be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.models import base_models
from core.models.base_models.light_tokenizer import load_tokenizer
from core.models.chat_template import takes_tools
from core.models.tool_calls import of_template
from core.services.serving.evaluating import contestants
from core.services.training import models
from core.serving.evaluations.records import Contestant


@dataclass(frozen=True, slots=True)
class ToolProblems:
    """Why examples cannot be asked, in a sentence that names the model; "" where they can.

    Attributes:
        reading: of examples that offer tools.
        calling: of examples whose output is a call.
    """

    reading: str = ""
    calling: str = ""


def problems(asked: Sequence[Contestant]) -> ToolProblems:
    """The first problem of each kind among the models. Models behind connections decide it themselves."""
    reading = calling = ""
    for model in asked:
        tokenizer = _tokenizer(model)
        if tokenizer is None:
            continue
        if not takes_tools(tokenizer):
            reading = reading or f"the chat template of {model.title} does not pass on tools"
        if of_template(tokenizer.chat_template or "") is None:
            calling = calling or f"the studio cannot read how {model.title} writes tool calls"
    return ToolProblems(reading, calling)


def _tokenizer(model: Contestant) -> Any:
    if model.kind == "connection":
        return None
    registered = contestants.registered_id(model.id)
    base = base_models.resolve(models.get_model(registered).base_model if registered else model.id)
    return load_tokenizer(base.path, base.revision) if base.path is not None else None
