"""Preference pairs: a prompt, the chosen answer and the rejected one, as texts or as messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from core.data.conversion.cells import is_empty
from core.data.conversion.chat_shapes.base import ChatShape, ShapedRow
from core.data.conversion.chat_shapes.messages import SYSTEM, TOOLS
from core.data.conversion.chat_shapes.pairs import answer_turns, history_of, request_turns
from core.data.conversion.chat_shapes.reading.tools import tools_of
from core.data.conversion.chat_shapes.reading.turns import MEDIA, REFUSE, ROLE_KEYS, Chat, speaker, turn_list
from core.data.conversion.chat_shapes.reading.values import as_object, first_of, lowered
from core.data.conversion.chat_shapes.transcripts import transcript
from core.data.issues import finding

# The better and the worse answer. Sources: TRL, OpenAI (preferred_output), Anthropic HH, UltraFeedback, Argilla, Orca,
# and the pairs of answers from Stack Exchange, whose j is the better one.
_SIDES: Final = (
    ("chosen", "rejected"),
    ("preferred_output", "non_preferred_output"),
    ("chosen_response", "rejected_response"),
    ("response_chosen", "response_rejected"),
    ("chosen_answer", "rejected_answer"),
    ("preferred", "rejected"),
    ("preferred", "dispreferred"),
    ("preferred", "non_preferred"),
    ("accepted", "rejected"),
    ("better", "worse"),
    ("preferred_response", "rejected_response"),
    ("preferred_response", "dispreferred_response"),
    ("win", "lose"),
    ("response_j", "response_k"),
)
_PROMPTS: Final = (
    "messages",
    "conversations",
    "conversation",
    "prompt",
    "instruction",
    "question",
    "query",
    "input",
    "context",
)


def _sides(lower: Mapping[str, Any]) -> tuple[str, str] | None:
    return next((names for names in _SIDES if all(not is_empty(lower.get(name)) for name in names)), None)


def _is_preference(lower: Mapping[str, Any]) -> bool:
    names = _sides(lower)
    if names is None:
        return False
    prompted = any(name in lower for name in _PROMPTS)
    return prompted or all(conversation_of(lower[name]) is not None for name in names)


def conversation_of(side: Any) -> list[Any] | None:
    """A side that begins with the prompt: messages, or a text as in HH."""
    turns = turn_list(side)
    if turns is None:
        return transcript(side)
    return turns if any(_role(turn) == "user" for turn in turns) else None


def _role(turn: Mapping[str, Any]) -> str | None:
    return next((speaker(turn[key]) for key in ROLE_KEYS if turn.get(key) is not None), None)


def from_preference(fields: Mapping[str, Any], images: str = REFUSE) -> ShapedRow:
    """The example of a row with a chosen and a rejected answer."""
    lower = lowered(fields)
    names = _sides(lower)
    better, worse = (lower.get(name) for name in names or ("chosen", "rejected"))
    tools = first_of(lower, TOOLS)
    body = as_object(lower.get("input"))
    if tools is None and isinstance(body, Mapping):
        tools = first_of(lowered(body), TOOLS)
    chosen, rejected = _chat(lower, better, images), _chat(lower, worse, images)
    shared = 0
    while shared < min(len(chosen.messages), len(rejected.messages)) and (
        chosen.messages[shared] == rejected.messages[shared]
    ):
        shared += 1
    # A rejected answer is all that follows the last shared input, also where both sides begin with the same call.
    asked = [index for index in range(shared) if rejected.messages[index].get("role") == "user"]
    shared = asked[-1] + 1 if asked else shared
    if names is not None:  # where both answers are the same, the check says so
        return chosen.shaped(tools_of(tools), rejected.messages[shared:] or rejected.messages[-1:])
    text = "The chosen or the rejected answer is missing."
    chosen.findings.append(finding("preference_one_sided", text, field="rejected"))
    return chosen.shaped(tools_of(tools))


def _chat(lower: Mapping[str, Any], side: Any, images: str) -> Chat:
    """The complete conversation of one side."""
    chat = Chat(images)
    turns = conversation_of(side)
    system = first_of(lower, SYSTEM)
    if system is not None and not (turns and _role(turns[0]) == "system"):
        chat.system(system)
    if turns is not None:
        chat.add_all(turns)
        return chat
    chat.add_all(history_of(lower.get("history")))
    name = next((name for name in _PROMPTS if not is_empty(lower.get(name))), "prompt")
    prompt = lower.get(name)
    asked = request_turns(prompt) or transcript(prompt)
    if asked is None:
        more = lower.get("input") if name == "instruction" else None
        asked = [{"role": "user", "content": prompt if is_empty(more) else f"{prompt}\n{more}"}]
    chat.add_all(asked)
    chat.add_all(answer_turns(side))
    return chat


_OPTIONAL = ("prompt", "question", "instruction", "messages", "system", "tools")
PREFERENCE_SHAPE = ChatShape(
    "preference",
    "Preference pairs",
    "TRL, HH, UltraFeedback, Orca DPO: the chosen answer is the output, the rejected one is kept beside it",
    ("chosen", "rejected"),
    _OPTIONAL,
    from_preference,
    choices=(MEDIA,),
    also=_is_preference,
)
# Source: platform.openai.com/docs/guides/direct-preference-optimization
OPENAI_PREFERENCE_SHAPE = ChatShape(
    "openai_preference",
    "Preference pairs of OpenAI",
    "OpenAI: input, preferred and non-preferred output",
    ("input", "preferred_output", "non_preferred_output"),
    (),
    from_preference,
    choices=(MEDIA,),
    also=_is_preference,
)
OTHER_PREFERENCE_SHAPE = ChatShape(
    "preference_other",
    "Preference pairs under other names",
    "chosen_response, accepted, preferred … with its opposite",
    (),
    _OPTIONAL,
    from_preference,
    choices=(MEDIA,),
    also=_is_preference,
)
