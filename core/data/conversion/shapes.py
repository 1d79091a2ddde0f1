"""Known chat shapes: rows that are examples already and only need to be recognised.

    messages            {"messages": [{"role", "content"}]}                       OpenAI, TRL
    sharegpt            {"conversations": [{"from", "value"}]}                    FastChat, FineTome
    alpaca              {"instruction", "input", "output"} (+ system, history)    Alpaca, LLaMA-Factory
    prompt_completion   {"prompt", "completion"} (or "response")
    question_answer     {"question", "answer"}
    input_output        {"input", "output"}
    roles               {"system", "user", "assistant"} columns

Names are compared without case. A list in a cell of a CSV or Parquet file may be written as JSON text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from core.data.conversion.cells import cell_text, is_empty
from core.errors import NotFound
from core.messages import Row

SAMPLE = 50  # rows that recognition looks at

# Source: the `from` names of FastChat, LLaMA-Factory, Axolotl and the FineTome and SlimOrca data sets.
_SPEAKERS = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "assistant": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "system": "system",
    "tool": "tool",
    "function_response": "tool",
    "observation": "tool",
}


@dataclass(frozen=True, slots=True)
class Shape:
    """A known shape.

    Attributes:
        required: column names, in lower case, that make it; each of `lists` must hold a list of objects.
        columns: every column it has a use for.
        to_messages: fields -> chat-format dictionaries, unchecked (quality.structure checks them).
    """

    id: str
    title: str
    required: frozenset[str]
    columns: frozenset[str]
    to_messages: Callable[[Mapping[str, Any]], object]
    lists: frozenset[str] = frozenset()


def _lower(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name.strip().lower(): value for name, value in fields.items()}


def _list(value: Any) -> Any:
    """The list itself, or the list that a cell holds as JSON text; anything else unchanged."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _from_messages(fields: Mapping[str, Any]) -> object:
    return _without_nulls(_list(_lower(fields).get("messages")))


def _without_nulls(messages: Any) -> Any:
    """Columnar files give every message every key, with null where it has none; those are no extra keys."""
    if not isinstance(messages, list):
        return messages
    return [
        {key: value for key, value in item.items() if value is not None or key == "content"}
        if isinstance(item, Mapping)
        else item
        for item in messages
    ]


def _from_sharegpt(fields: Mapping[str, Any]) -> object:
    lower = _lower(fields)
    turns = _list(lower.get("conversations", lower.get("conversation")))
    if not isinstance(turns, list):
        return turns
    messages: list[Any] = []
    if not is_empty(lower.get("system")):
        messages.append({"role": "system", "content": cell_text(lower["system"])})
    for turn in turns:
        if not isinstance(turn, Mapping):
            return turns
        speaker = turn.get("from", turn.get("role"))
        name = speaker.strip().lower() if isinstance(speaker, str) else speaker
        message = {"role": _SPEAKERS.get(name, speaker) if isinstance(name, str) else speaker}
        message["content"] = turn.get("value", turn.get("content"))
        if turn.get("weight") is not None:
            message["weight"] = turn["weight"]
        messages.append(message)
    return messages


def _from_alpaca(fields: Mapping[str, Any]) -> object:
    lower = _lower(fields)
    messages: list[dict[str, Any]] = []
    if not is_empty(lower.get("system")):
        messages.append({"role": "system", "content": cell_text(lower["system"])})
    history = _list(lower.get("history"))
    for past in history if isinstance(history, list) else ():
        if isinstance(past, list) and len(past) == 2:
            messages += _pair(past[0], past[1])
    # Source: LLaMA-Factory joins instruction and input with a line break.
    asked = [lower.get("instruction"), lower.get("input")]
    user = "\n".join(cell_text(part) for part in asked if not is_empty(part))
    output = lower.get("output", lower.get("response"))
    return [*messages, *_pair(user, output)]


def _pair(user: Any, assistant: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": _content(user)}, {"role": "assistant", "content": _content(assistant)}]


def _content(value: Any) -> Any:
    """Numbers and truth values of JSON as their text; lists, objects and null stay, so that the check names them."""
    return cell_text(value) if isinstance(value, bool | int | float) else value


def _two_columns(user: str, *assistant: str) -> Callable[[Mapping[str, Any]], object]:
    def to_messages(fields: Mapping[str, Any]) -> object:
        lower = _lower(fields)
        answer = next((lower[name] for name in assistant if name in lower), None)
        question = _chat(lower.get(user), "user")
        if isinstance(question, list):  # TRL's conversational prompt/completion: both are lists of messages
            return [*question, *(_chat(answer, "assistant") or [])]
        system = lower.get("system")
        lead = [] if is_empty(system) else [{"role": "system", "content": cell_text(system)}]
        return [*lead, *_pair(lower.get(user), answer)]

    return to_messages


def _chat(value: Any, role: str) -> Any:
    """A list of messages, where the value is one."""
    listed = _list(value)
    if isinstance(listed, list) and listed and all(isinstance(item, Mapping) and "role" in item for item in listed):
        return _without_nulls(listed)
    return [{"role": role, "content": value}] if role == "assistant" else value


def _from_roles(fields: Mapping[str, Any]) -> object:
    lower = _lower(fields)
    return [
        {"role": role, "content": _content(lower.get(role))}
        for role in ("system", "user", "assistant")
        if role != "system" or not is_empty(lower.get("system"))
    ]


def _shape(
    shape_id: str,
    title: str,
    required: str,
    optional: str,
    make: Callable[[Mapping[str, Any]], object],
    lists: str = "",
) -> Shape:
    needed = frozenset(required.split())
    return Shape(shape_id, title, needed, needed | set(optional.split()), make, frozenset(lists.split()))


SHAPES: dict[str, Shape] = {}


def register(shape: Shape) -> None:
    """Add a shape; ValueError where its id is taken. The order of registration is the order of recognition."""
    if shape.id in SHAPES:
        raise ValueError(f"there are two shapes with the id {shape.id!r}")
    SHAPES[shape.id] = shape


for _known in (
    _shape("messages", "Chat messages", "messages", "", _from_messages, lists="messages"),
    _shape("sharegpt", "ShareGPT conversations", "conversations", "system", _from_sharegpt, lists="conversations"),
    _shape("sharegpt_single", "ShareGPT conversation", "conversation", "system", _from_sharegpt, lists="conversation"),
    _shape("alpaca", "Alpaca instructions", "instruction output", "input system history", _from_alpaca),
    _shape("alpaca_response", "Instructions and responses", "instruction response", "input system", _from_alpaca),
    _shape("prompt_completion", "Prompt and completion", "prompt completion", "system",
           _two_columns("prompt", "completion")),
    _shape("prompt_response", "Prompt and response", "prompt response", "system", _two_columns("prompt", "response")),
    _shape("question_answer", "Question and answer", "question answer", "system", _two_columns("question", "answer")),
    _shape("input_output", "Input and output", "input output", "system", _two_columns("input", "output")),
    _shape("roles", "Role columns", "user assistant", "system", _from_roles),
):  # fmt: skip
    register(_known)


def get_shape(shape_id: str) -> Shape:
    """The shape with this id; NotFound names those that there are."""
    if shape_id not in SHAPES:
        raise NotFound(f"There is no shape {shape_id!r}.", f"Known are: {', '.join(SHAPES)}.")
    return SHAPES[shape_id]


def detect(rows: Iterable[Row]) -> str | None:
    """The id of the shape that most of these rows are in, or None.

    One row in a shape and nine without it are a table with an odd row; half of them make it the shape, so that the
    rows which fall short are rejected with their reasons instead of all of them being "unknown".
    """
    sample = [_lower(row.fields) for row in rows]
    for shape in SHAPES.values():
        fitting = sum(_fits(shape, fields) for fields in sample)
        if fitting and fitting * 2 >= len(sample):
            return shape.id
    return None


def _fits(shape: Shape, fields: Mapping[str, Any]) -> bool:
    if not shape.required <= fields.keys():
        return False
    return all(isinstance(_list(fields[name]), list) for name in shape.lists)
