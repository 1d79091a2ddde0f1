"""An input and its output in two columns under any common name, with what may come before them.

Each side is a text, a message, a list of messages, or the request and the response of a provider.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from core.data.conversion.cells import cell_text, is_empty
from core.data.conversion.chat_shapes.base import ChatShape, ShapedRow
from core.data.conversion.chat_shapes.messages import SYSTEM, TOOLS
from core.data.conversion.chat_shapes.reading.tools import tools_of
from core.data.conversion.chat_shapes.reading.turns import MEDIA, REFUSE, Chat, is_turn, speaker, text_of, turn_list
from core.data.conversion.chat_shapes.reading.values import (
    as_list,
    as_object,
    first_of,
    has_words,
    lowered,
    pair,
    without_nulls,
)

# Names that are an input or an output wherever they appear together, best first. `user`, `request`, `source` and the
# like name other things in many tables; they count only for cells of words.
_INPUTS: Final = (
    "prompt",
    "instruction",
    "question",
    "query",
    "input",
    "inputs",
    "instructions",
    "user_input",
    "user_message",
    "user_prompt",
    "user_query",
    "human",
    "problem",
    "input_text",
    "text_input",
    "q",
)
_OUTPUTS: Final = (
    "completion",
    "response",
    "answer",
    "output",
    "outputs",
    "target",
    "targets",
    "reply",
    "responses",
    "assistant",
    "assistant_response",
    "model_response",
    "bot",
    "gpt",
    "solution",
    "ideal",
    "completions",
    "output_text",
    "expected_output",
    "ground_truth",
    "gold_answer",
    "label_text",
    "a",
)
_WEAK_INPUTS: Final = ("user", "request", "source", "src", "message", "utterance")
_WEAK_OUTPUTS: Final = ("assistant", "response", "target", "tgt", "reply", "answer")
_HISTORY: Final = ("history", "chat_history", "past", "previous_turns")


def two_columns(shape_id: str, title: str, user: str, assistant: str) -> ChatShape:
    """A shape of an input column and an output column."""

    def to_messages(fields: Mapping[str, Any], images: str = REFUSE) -> object:
        return from_pair(lowered(fields), user, assistant, images)

    optional = ("system", "history", "tools")
    return ChatShape(
        shape_id, title, "two columns", (user, assistant), optional, to_messages, choices=(MEDIA,), concatenates=True
    )


def from_pair(lower: Mapping[str, Any], user: str, assistant: str, images: str = REFUSE) -> object:
    """The messages of an input and an output, each a text or messages, after the system text and the history."""
    question, answer = _only_text(lower.get(user), "user"), _only_text(lower.get(assistant), "assistant")
    system = first_of(lower, SYSTEM)
    past, tools = history_of(first_of(lower, _HISTORY)), first_of(lower, TOOLS)
    asked = request_turns(question)
    if asked is None and not isinstance(answer, list | Mapping) and turn_list(answer) is None:
        lead = [] if system is None else [{"role": "system", "content": text_of(system)}]
        messages = [*lead, *past, *pair(question, answer)]
        return messages if tools is None else ShapedRow(messages, tools_of(tools))
    chat = Chat(images)
    if system is not None:
        chat.system(system)
    chat.add_all(past)
    if asked is None:
        chat.add({"role": "user", "content": question})
    else:
        chat.add_all(asked)
        body = as_object(question)
        tools = tools if tools is not None or not isinstance(body, Mapping) else first_of(lowered(body), TOOLS)
    chat.add_all(answer_turns(answer))
    return chat.shaped(tools_of(tools))


def _only_text(value: Any, role: str) -> Any:
    """The text of an object with nothing else, as traces have it: {"question": "…"}; anything else as it is."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return value
    ((name, text),) = value.items()
    return text if isinstance(text, str) and speaker(name) in (None, role) else value


def history_of(value: Any) -> list[dict[str, Any]]:
    """Earlier turns: [[input, output], ...] as LLaMA-Factory writes them, or a list of messages."""
    past = as_list(value)
    messages: list[dict[str, Any]] = []
    if (turns := turn_list(past)) is not None:
        chat = Chat()
        chat.add_all(turns)
        return chat.messages
    for earlier in past if isinstance(past, list) else ():
        if isinstance(earlier, list | tuple) and len(earlier) == 2:
            messages += pair(earlier[0], earlier[1])
    return messages


def request_turns(value: Any) -> list[Any] | None:
    """The turns of an input that is a list of messages, or a request with one; None for a text."""
    body = as_object(value)
    if isinstance(body, Mapping):
        inner = lowered(body)
        turns = next(
            (
                found
                for name in ("messages", "contents", "input", "body", "prompt")
                if (found := request_turns(inner.get(name))) is not None
            ),
            None,
        )
        if turns is None:
            return [body] if is_turn(body) else None
        system = first_of(inner, SYSTEM)
        return turns if system is None else [{"role": "system", "content": text_of(system)}, *turns]
    turns = turn_list(value)
    return None if turns is None else without_nulls(turns)


def answer_turns(value: Any) -> list[Any]:
    """The turns of an output: a text, a message, a list of messages, or a provider's response.

    Sources: OpenAI (choices[0].message; output), Anthropic (content), Gemini (candidates[0].content), Bedrock
    (output.message), Cohere (message, text), LangSmith (messages).
    """
    turns = turn_list(value)
    if turns is not None:
        return list(without_nulls(turns))
    listed = as_list(as_object(value))
    if isinstance(listed, list) and len(listed) >= 1:
        first = listed[0]
        if isinstance(first, Mapping):  # choices, candidates, parts
            if any(key in first for key in ("message", "content", "delta")):
                return answer_turns(first.get("message", first.get("content", first.get("delta"))))
            return [{"role": "assistant", "content": listed}]
        if isinstance(first, str) and len(listed) == 1:
            return [{"role": "assistant", "content": first}]
    if isinstance(listed, Mapping):
        if is_turn(listed) and not isinstance(listed.get("message"), Mapping):
            return list(without_nulls([{"role": "assistant", **listed}]))
        for name in ("body", "choices", "candidates", "output", "message", "messages", "outputs", "generations"):
            if listed.get(name):
                return answer_turns(listed[name])
        if any(name in listed for name in ("content", "parts", "text")):
            given = listed.get("content", listed.get("parts", listed.get("text")))
            return [{"role": "assistant", "content": given}]
    return [{"role": "assistant", "content": cell_text(value) if isinstance(value, bool | int | float) else value}]


def names_of(lower: Mapping[str, Any]) -> tuple[str, str] | None:
    """The input column and the output column of a row, by their names; None if it has none."""
    user = next((name for name in _INPUTS if _lettered(lower.get(name))), None)
    assistant = next((name for name in _OUTPUTS if not is_empty(lower.get(name)) and name != user), None)
    if user is not None and assistant is not None:
        return user, assistant
    user = next((name for name in (*_INPUTS, *_WEAK_INPUTS) if _spoken(lower.get(name))), None)
    sure = user is not None and request_turns(lower[user]) is not None
    outputs = (name for name in (*_OUTPUTS, *_WEAK_OUTPUTS) if name != user and not is_empty(lower.get(name)))
    assistant = next((name for name in outputs if sure or _spoken(lower[name])), None)
    return None if user is None or assistant is None else (user, assistant)


def _lettered(value: Any) -> bool:
    return (isinstance(value, str) and any(map(str.isalpha, value))) or request_turns(value) is not None


def _spoken(value: Any) -> bool:
    return has_words(value) or request_turns(value) is not None


_BODIES: Final = ("body", "request", "params", "data", "sample", "example", "conversation", "record")


def _is_request(lower: Mapping[str, Any]) -> bool:
    return any(isinstance(as_object(lower.get(name)), Mapping) and request_turns(lower[name]) for name in _BODIES)


def _from_request(fields: Mapping[str, Any], images: str = REFUSE) -> object:
    lower = lowered(fields)
    body = next((lower[name] for name in _BODIES if name in lower and request_turns(lower[name])), None)
    chat = Chat(images)
    chat.add_all(request_turns(body) or [])
    inner = as_object(body)
    return chat.shaped(tools_of(first_of(lowered(inner), TOOLS)) if isinstance(inner, Mapping) else None)


def _from_any(fields: Mapping[str, Any], images: str = REFUSE) -> object:
    lower = lowered(fields)
    user, assistant = names_of(lower) or ("input", "output")
    return from_pair(lower, user, assistant, images)


def _has_pair(lower: Mapping[str, Any]) -> bool:
    return names_of(lower) is not None


PROMPT_COMPLETION_SHAPE = two_columns("prompt_completion", "Prompt and completion", "prompt", "completion")
PROMPT_RESPONSE_SHAPE = two_columns("prompt_response", "Prompt and response", "prompt", "response")
QUESTION_ANSWER_SHAPE = two_columns("question_answer", "Question and answer", "question", "answer")
INPUT_OUTPUT_SHAPE = two_columns("input_output", "Input and output", "input", "output")
ANY_PAIR_SHAPE = ChatShape(
    "pair",
    "Input and output under other names",
    f"{', '.join(_INPUTS[:9])} … with {', '.join(_OUTPUTS[:8])} …",
    (),
    ("system", "history", "tools"),
    _from_any,
    choices=(MEDIA,),
    also=_has_pair,
)
# Source: OpenAI's batch files (body) and Vertex AI's batch prediction (request)
REQUEST_SHAPE = ChatShape(
    "request",
    "Requests with their messages inside",
    "OpenAI batch, Vertex AI batch: body or request with messages",
    (),
    (),
    _from_request,
    choices=(MEDIA,),
    also=_is_request,
)
