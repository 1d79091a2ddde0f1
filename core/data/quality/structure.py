"""Chat-format dictionaries -> an Example, or every reason why not.

What is checked, in this order:
    messages_invalid      not a list of objects, or an empty one
    role_unknown          a role that is not one of the four (wrong case is pointed out)
    content_not_text      null, a number, a list of parts (null is allowed beside tool calls)
    content_empty         only blanks
    weight_invalid        neither 0 nor 1, or not on an assistant message
    tool_call_invalid     a call without id, function name or arguments; arguments_not_json
    tool_result_orphan    a tool message that answers no earlier call; tool_call_unanswered (warning)
    tools_invalid         tools that are not a list of function schemas; tool_undeclared (warning)
    rejected_invalid      a rejected answer that is not a list of messages from the assistant; rejected_same (warning)
    split_unknown         (warning) neither training, validation nor test
    user_missing, assistant_missing
    assistant_first, role_repeated, system_late, last_not_assistant, keys_extra     (warnings)
and in the text of the finished example:
    special_tokens, invisible_characters, over_length, all_masked                   (warnings)
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

from core.data.examples.characters import INVISIBLE, SPECIAL_TOKENS
from core.data.examples.columns import ExampleBatch
from core.data.examples.lengths import MAX_SEQ_LENGTH, tokens_of
from core.data.issues import finding
from core.messages import ROLES, Example, Finding, Message, Split
from core.text import CHARACTERS_PER_TOKEN

_NOT_TEXT = {"NoneType": "missing or null", "list": "a list of parts", "dict": "an object", "bool": "a boolean"}
_NOT_TEXT |= {"int": "a number", "float": "a number"}
_KEYS = frozenset({"role", "content", "weight", "name", "tool_calls", "tool_call_id"})
# The roles' names in other formats: suggested in the remedy, never guessed.
_OTHER_NAMES = {"human": "user", "gpt": "assistant", "bot": "assistant", "ai": "assistant", "model": "assistant",
                "developer": "system", "function": "tool"}  # fmt: skip


# Source: the names of splits in the `datasets` library, and of the data sets on its hub.
_SPLITS: Mapping[str, Split] = {
    "train": "train", "training": "train", "validation": "validation", "valid": "validation", "val": "validation",
    "dev": "validation", "eval": "validation", "evaluation": "validation", "held out": "validation", "test": "test",
    "testing": "test",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ParsedExample:
    """The example (None where there is an error) and everything that was found."""

    example: Example | None
    findings: tuple[Finding, ...]


def parse(
    raw: object,
    *,
    line: int = 0,
    source: str = "",
    tools: object = None,
    rejected: object = None,
    split: object = None,
) -> ParsedExample:
    """Turn chat-format dictionaries into an Example, or say why not.

    Args:
        tools: OpenAI-shaped schemas.
        rejected: chat-format dictionaries of a rejected answer.
        split: as a file says it (`split_of`); None or blank: training.
    """
    if not isinstance(raw, list) or not raw or not all(isinstance(item, Mapping) for item in raw):
        what = "are empty" if raw == [] else "are not a list of objects"
        return ParsedExample(None, (finding("messages_invalid", f"The messages {what}.", line=line or None),))
    findings = [*_structure(raw, line or None), *_beside(raw, tools, rejected, line or None)]
    part = split_of(split)
    if part is None:
        text = f"The split {str(split)[:60]!r} is unknown; the example is used for training."
        findings.append(finding("split_unknown", text, line=line or None, field="split"))
    if any(item.severity == "error" for item in findings):
        return ParsedExample(None, tuple(findings))
    messages = tuple(Message.from_dict(item) for item in raw)
    example = Example(messages, source, line, part or "train")
    if tools or rejected:
        worse = tuple(Message.from_dict(item) for item in rejected or ())  # type: ignore[attr-defined]  # checked above
        example = replace(example, tools=tuple(tools or ()), rejected=worse)  # type: ignore[arg-type]
    return ParsedExample(example, (*findings, *check(example)))


def check(example: Example) -> Iterator[Finding]:
    """Findings about the text of an example whose structure is valid."""
    line = example.source_line or None
    for index, message in enumerate(example.messages):
        where = f"messages[{index}].content"
        if tokens := sorted(set(SPECIAL_TOKENS.findall(message.content))):
            text = f"The {message.role} message contains {', '.join(tokens[:5])}, a special token of a chat template."
            yield finding("special_tokens", text, line=line, field=where)
        if hidden := sorted(set(INVISIBLE.findall(message.content))):
            names = ", ".join(f"U+{ord(character):04X}" for character in hidden[:5])
            text = f"The {message.role} message contains invisible characters ({names})."
            yield finding("invisible_characters", text, line=line, field=where)
    length = tokens_of(example)
    if length > MAX_SEQ_LENGTH:
        text = f"The example has about {length:,} tokens, more than {MAX_SEQ_LENGTH:,}; training may cut off its end."
        yield finding("over_length", text, line=line, field="messages")
    spoken = [message for message in example.messages if message.role == "assistant"]
    if spoken and all(message.weight == 0 for message in spoken):
        yield finding("all_masked", "Every assistant message has weight 0.", line=line, field="messages")


def check_columns(examples: ExampleBatch) -> dict[int, tuple[Finding, ...]]:
    """Findings about the text of many examples, by their index: the same as `check` of each."""
    odd = examples.suspicious()
    most = MAX_SEQ_LENGTH * CHARACTERS_PER_TOKEN
    if (examples.sizes() > most).any():  # else none has so many characters: these take longer to count
        odd.update(np.flatnonzero(examples.characters() > most).tolist())
    return {index: tuple(check(examples.example(index))) for index in sorted(odd)}


@lru_cache(4_096)
def is_sound(roles: tuple[str, ...]) -> bool:
    """Whether nothing is wrong with messages of plain text in this order of roles."""
    checked = parse([{"role": role, "content": "x"} for role in roles])
    return checked.example is not None and not checked.findings


def split_of(value: object) -> Split | None:
    """The split that a file means by a value; training where it says nothing, None where it is unknown."""
    if value is None or value == "":
        return "train"
    return _SPLITS.get(str(value).strip().lower())


def _beside(raw: Sequence[Mapping[str, Any]], tools: object, rejected: object, line: int | None) -> Iterator[Finding]:
    """What is wrong with the tools and the rejected answer of an example."""
    if tools:
        yield from _schemas(raw, tools, line)
    if rejected:
        yield from _rejected(raw, rejected, line)


def _schemas(raw: Sequence[Mapping[str, Any]], tools: object, line: int | None) -> Iterator[Finding]:
    if not isinstance(tools, list):
        yield finding("tools_invalid", "The tools are not a list.", line=line, field="tools")
        return
    declared = set()
    for number, tool in enumerate(tools):
        function = tool.get("function") if isinstance(tool, Mapping) else None
        name = function.get("name") if isinstance(function, Mapping) else None
        where = f"tools[{number}]"
        if not isinstance(function, Mapping):
            yield finding("tools_invalid", f"Tool {number + 1} has no function.", line=line, field=where)
        elif not isinstance(name, str) or not name.strip():
            yield finding("tools_invalid", f"The function of tool {number + 1} has no name.", line=line, field=where)
        elif not isinstance(function.get("parameters", {}), Mapping):
            text = f"The parameters of the tool {name!r} are not an object."
            yield finding("tools_invalid", text, line=line, field=f"{where}.function.parameters")
        declared.add(name)
    called = [
        call.get("function") for item in raw for call in _listed(item.get("tool_calls")) if isinstance(call, dict)
    ]
    for name in dict.fromkeys(function.get("name") for function in called if isinstance(function, dict)):
        if isinstance(name, str) and name not in declared:
            text = f"The assistant calls {name!r}, which is not one of the example's tools."
            yield finding("tool_undeclared", text, line=line, field="tools")


def _rejected(raw: Sequence[Mapping[str, Any]], rejected: object, line: int | None) -> Iterator[Finding]:
    if not isinstance(rejected, list) or not all(isinstance(item, Mapping) for item in rejected):
        yield finding("rejected_invalid", "The rejected answer is not a list of messages.", line=line, field="rejected")
        return
    errors = [item for n, message in enumerate(rejected) for item in _message(message, f"rejected[{n}]", line)]
    errors = [item for item in (*errors, *_tools(rejected, line, "rejected")) if item.severity == "error"]
    roles = [message.get("role") for message in rejected]
    if not errors and roles[0] != "assistant":
        text = f"The rejected answer begins with a {roles[0]} message."
        yield finding("rejected_invalid", text, line=line, field="rejected[0].role")
    for role in {"user", "system"}.intersection(roles[1:]) if not errors else ():
        text = f"The rejected side has a {role} message after its first answer."
        yield finding("rejected_invalid", text, line=line, field="rejected")
    for item in errors:
        text = f"The rejected answer cannot be used: {item.message}"
        yield finding("rejected_invalid", text, item.remedy, line=line, field=item.field)
    if rejected == list(raw[len(raw) - len(rejected) :]):
        yield finding("rejected_same", "The rejected answer is the same as the output.", line=line, field="rejected")


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _structure(raw: Sequence[Mapping[str, Any]], line: int | None) -> Iterator[Finding]:
    for index, message in enumerate(raw):
        yield from _message(message, f"messages[{index}]", line)
    roles = [message.get("role") for message in raw]
    for role in ("user", "assistant"):
        if role not in roles and all(found in ROLES for found in roles):  # else an unknown role may be meant
            text = f"There is no {role} message; an example is an input (user) and an output (assistant)."
            yield finding(f"{role}_missing", text, line=line, field="messages")
    yield from _order(roles, raw, line)
    yield from _tools(raw, line)


def _message(message: Mapping[str, Any], where: str, line: int | None) -> Iterator[Finding]:
    role, content = message.get("role"), message.get("content")
    if role not in ROLES:
        yield _role_unknown(role, f"{where}.role", line)
    calls = message.get("tool_calls")
    if not isinstance(content, str):
        if content is not None or not calls:
            name = type(content).__name__
            text = f"The content is {_NOT_TEXT.get(name, f'a {name}')}, not text."
            yield finding("content_not_text", text, line=line, field=f"{where}.content")
    elif not content.strip() and not calls:
        yield finding("content_empty", f"The {role} message is empty.", line=line, field=f"{where}.content")
    weight = message.get("weight")
    if weight is not None and (weight not in (0, 1) or isinstance(weight, bool | float) or role != "assistant"):
        text = f"Weight {weight!r} on a {role} message; only assistant messages carry one, and it is 0 or 1."
        yield finding("weight_invalid", text, line=line, field=f"{where}.weight")
    for key in ("name", "tool_call_id"):
        if message.get(key) is not None and not isinstance(message[key], str):
            yield finding("messages_invalid", f"{key} is not text.", line=line, field=f"{where}.{key}")
    if extra := sorted(str(key) for key in message.keys() - _KEYS):
        text = f"Training does not use {', '.join(extra[:5])} in a message."
        yield finding("keys_extra", text, line=line, field=where)


def _role_unknown(role: object, where: str, line: int | None) -> Finding:
    shown = repr(role)[:60]
    lower = str(role).strip().lower()
    meant = lower if lower in ROLES else _OTHER_NAMES.get(lower)
    remedy = f"Write {meant!r}." if meant else None
    return finding("role_unknown", f"The role {shown} is unknown.", remedy, line=line, field=where)


def _order(roles: Sequence[object], raw: Sequence[Mapping[str, Any]], line: int | None) -> Iterator[Finding]:
    turns = [role for role in roles if role != "system"]
    if turns and turns[0] == "assistant" and "user" in turns:
        yield finding("assistant_first", "The assistant speaks before the user.", line=line, field="messages")
    for (before, message), (after, _) in pairwise(zip(roles, raw, strict=True)):
        if before == after and before in ("user", "assistant", "system") and not message.get("tool_calls"):
            text = f"Two {before} messages follow each other."
            yield finding("role_repeated", text, line=line, field="messages")
            break
    first_turn = next((index for index, role in enumerate(roles) if role != "system"), len(roles))
    if "system" in roles[first_turn:]:
        yield finding("system_late", "A system message appears after the first turn.", line=line, field="messages")
    if "assistant" in roles and roles[-1] != "assistant":
        text = f"The last message is from the {roles[-1]}; only the assistant's messages are learned."
        yield finding("last_not_assistant", text, line=line, field="messages")


def _tools(raw: Sequence[Mapping[str, Any]], line: int | None, place: str = "messages") -> Iterator[Finding]:
    """Calls and results in pairs; `waiting` holds the ids of calls without a result so far."""
    waiting: set[str] = set()
    for index, message in enumerate(raw):
        where = f"{place}[{index}]"
        calls = message.get("tool_calls") or []
        if not isinstance(calls, list):
            yield finding("tool_call_invalid", "tool_calls is not a list.", line=line, field=where)
            continue
        if calls and message.get("role") != "assistant":
            yield finding("tool_call_invalid", "Only the assistant can call tools.", line=line, field=where)
        for number, call in enumerate(calls):
            yield from _call(call, f"{where}.tool_calls[{number}]", line, waiting)
        if message.get("role") == "tool":
            answered = message.get("tool_call_id")
            if isinstance(answered, str) and answered in waiting:
                waiting.discard(answered)
            else:
                text = f"The tool message answers {answered!r}, which no earlier message called."
                yield finding("tool_result_orphan", text, line=line, field=where)
    if waiting and not raw[-1].get("tool_calls"):  # calls at the end are what must be learned
        text = f"The call {sorted(waiting)[0]!r} has no result."
        yield finding("tool_call_unanswered", text, line=line, field=place)


def _call(call: object, where: str, line: int | None, waiting: set[str]) -> Iterator[Finding]:
    function = call.get("function") if isinstance(call, Mapping) else None
    if not isinstance(call, Mapping) or not isinstance(call.get("id"), str) or not isinstance(function, Mapping):
        yield finding("tool_call_invalid", "A tool call needs an id and a function.", line=line, field=where)
        return
    if not isinstance(function.get("name"), str):
        yield finding("tool_call_invalid", "The called function has no name.", line=line, field=f"{where}.function")
    waiting.add(call["id"])
    arguments = function.get("arguments")
    try:
        json.loads(arguments if isinstance(arguments, str) else "")
    except (ValueError, RecursionError):
        text = "The arguments of a tool call are not a JSON text."
        yield finding("arguments_not_json", text, line=line, field=f"{where}.function.arguments")
