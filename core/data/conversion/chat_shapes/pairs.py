"""Two columns, an input and its output; with an optional system message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.data.conversion.cells import cell_text, is_empty
from core.data.conversion.chat_shapes.base import ChatShape, as_list, lowered, pair, without_nulls


def two_columns(shape_id: str, title: str, user: str, assistant: str) -> ChatShape:
    """A shape of an input column and an output column."""

    def to_messages(fields: Mapping[str, Any]) -> object:
        lower = lowered(fields)
        answer = lower.get(assistant)
        question = _chat(lower.get(user), "user")
        if isinstance(question, list):  # TRL's conversational prompt/completion: both are lists of messages
            return [*question, *(_chat(answer, "assistant") or [])]
        system = lower.get("system")
        lead = [] if is_empty(system) else [{"role": "system", "content": cell_text(system)}]
        return [*lead, *pair(lower.get(user), answer)]

    return ChatShape(shape_id, title, "two columns", (user, assistant), ("system",), to_messages)


def _chat(value: Any, role: str) -> Any:
    """A list of messages, if the value is one."""
    listed = as_list(value)
    if isinstance(listed, list) and listed and all(isinstance(item, Mapping) and "role" in item for item in listed):
        return without_nulls(listed)
    return [{"role": role, "content": value}] if role == "assistant" else value


PROMPT_COMPLETION_SHAPE = two_columns("prompt_completion", "Prompt and completion", "prompt", "completion")
PROMPT_RESPONSE_SHAPE = two_columns("prompt_response", "Prompt and response", "prompt", "response")
QUESTION_ANSWER_SHAPE = two_columns("question_answer", "Question and answer", "question", "answer")
INPUT_OUTPUT_SHAPE = two_columns("input_output", "Input and output", "input", "output")
