"""{"messages": [{"role", "content"}]}, as OpenAI, TRL, Anthropic, Bedrock and Together have it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from core.data.conversion.chat_shapes.base import ChatShape, ShapedRow
from core.data.conversion.chat_shapes.reading.tools import tools_of
from core.data.conversion.chat_shapes.reading.turns import MEDIA, REFUSE, ROLE_KEYS, Chat, speaker, turn_list
from core.data.conversion.chat_shapes.reading.values import as_list, first_of, lowered, without_nulls
from core.messages import ROLES

# Names of the fields beside a list of turns. Sources: Anthropic and Bedrock (system), LLaMA-Factory (system, tools),
# OpenOrca (system_prompt), Gemini (systemInstruction), OpenAI (functions), Cohere (preamble), Bedrock (toolConfig).
SYSTEM = ("system", "system_prompt", "system_message", "system_instruction", "preamble", "developer")
TOOLS = ("tools", "functions", "tool_config", "available_tools", "function_schemas")
ANSWERS = ("choices", "response", "completion", "output", "answer", "assistant", "reply", "target", "ideal")


def conversation(lower: Mapping[str, Any], turns: Any, images: str, *, strict: bool) -> object:
    """A list of turns with the system text and the tools beside it; a list without anything special as it is."""
    system, tools = first_of(lower, SYSTEM), first_of(lower, TOOLS)
    if not isinstance(turns, list):
        return turns
    chat = Chat(images)
    if system is not None and not _begins_with_system(turns):
        chat.system(system)
    chat.add_all(turns, strict=strict)
    return chat.shaped(tools_of(tools))


def _begins_with_system(turns: list[Any]) -> bool:
    first = turns[0] if turns else None
    return isinstance(first, Mapping) and any(speaker(first.get(key)) == "system" for key in ROLE_KEYS)


def _from_messages(fields: Mapping[str, Any], images: str = REFUSE) -> object:
    lower = lowered(fields)
    messages = without_nulls(as_list(lower.get("messages")))
    made = conversation(lower, messages, images, strict=True)
    rejected = without_nulls(as_list(lower.get("rejected")))
    if not isinstance(made, ShapedRow) or (not rejected and "split" not in lower):
        return made
    return replace(made, rejected=rejected or None, split=lower.get("split"))


def _ends_with_input(lower: Mapping[str, Any]) -> bool:
    turns = turn_list(lower["messages"])
    answer = first_of(lower, ANSWERS)
    return turns is not None and answer is not None and speaker(turns[-1].get("role")) in ("user", "tool")


def _from_messages_answer(fields: Mapping[str, Any], images: str = REFUSE) -> object:
    from core.data.conversion.chat_shapes.pairs import answer_turns

    lower = lowered(fields)
    turns = without_nulls(as_list(lower.get("messages")))
    if isinstance(turns, list):
        turns = [*turns, *answer_turns(first_of(lower, ANSWERS))]
    return conversation(lower, turns, images, strict=False)


def _other_speakers(lower: Mapping[str, Any]) -> bool:
    """Whether the roles have other names than the studio's, and all of them are known."""
    turns = turn_list(lower["messages"])
    names = [next((turn[key] for key in ROLE_KEYS if turn.get(key) is not None), None) for turn in turns or ()]
    known = bool(names) and all(name is None or speaker(name) for name in names)
    return known and any(name not in (*ROLES, "developer", "function") for name in names)


def _from_other_speakers(fields: Mapping[str, Any], images: str = REFUSE) -> object:
    lower = lowered(fields)
    return conversation(lower, as_list(lower.get("messages")), images, strict=False)


_BESIDE = ("system", "tools")
MESSAGES_SHAPE = ChatShape(
    "messages",
    "Chat messages",
    "OpenAI, TRL, Anthropic, Bedrock: a list of messages, each with a role and content",
    ("messages",),
    (*_BESIDE, "rejected", "split"),
    _from_messages,
    ("messages",),
    (MEDIA,),
    verbatim="messages",
    changed_by=frozenset((*SYSTEM, *TOOLS, "rejected", "split")),
)
MESSAGES_ANSWER_SHAPE = ChatShape(
    "messages_answer",
    "Chat messages and an answer",
    "request logs: messages up to the input, the answer beside them",
    ("messages",),
    (*_BESIDE, "response", "choices"),
    _from_messages_answer,
    ("messages",),
    (MEDIA,),
    _ends_with_input,
)
# Sources: docs.cohere.com/docs/chat-preparing-the-data (User, Chatbot), BAAI/COIG (from/value), PaLM (author/content)
MESSAGES_OTHER_SHAPE = ChatShape(
    "messages_other",
    "Chat messages with other names",
    "Cohere, PaLM: speakers such as User and Chatbot, human and gpt",
    ("messages",),
    _BESIDE,
    _from_other_speakers,
    ("messages",),
    (MEDIA,),
    _other_speakers,
)
