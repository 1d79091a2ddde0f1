"""Lists of turns, of every provider and data set, as chat-format dictionaries.

A turn is an object with a speaker and a text, or an object with one key per speaker, or a text alone. A text may be a
list of parts (OpenAI, Anthropic, Gemini, Bedrock), in which tool calls, results, reasoning and images are found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from core.data.conversion.cells import cell_text, is_empty
from core.data.conversion.chat_shapes.base import ShapeChoice, ShapedRow
from core.data.conversion.chat_shapes.reading.tools import Calls, parsed_json
from core.data.conversion.chat_shapes.reading.values import as_list, as_object
from core.data.issues import finding
from core.messages import ROLES, Finding

# Sources: FastChat, LLaMA-Factory, Axolotl, Cohere, Gemini, OpenAssistant, PaLM, and the FineTome, SlimOrca, Hermes and
# xLAM data sets.
_NAMES: Final = {
    "user": "human user prompter customer client question input instruction prompt q",
    "assistant": "gpt chatgpt assistant model bot chatbot ai bing bard claude agent answer output response a",
    "system": "system developer",
    "tool": "tool function function_response observation ipython tool_response tool_result tool_results",
    "call": "function_call tool_call tool_calls function-call",
}
SPEAKERS: Final = {name: role for role, names in _NAMES.items() for name in names.split()}
ROLE_KEYS: Final = ("role", "from", "speaker", "author", "sender")
CONTENT_KEYS: Final = ("content", "value", "text", "message", "parts", "utterance")
_REASONING: Final = ("reasoning_content", "reasoning", "thinking", "thought")
_TRAINED: Final = ("train", "training", "loss")  # Axolotl's and ms-swift's switches of a turn
_TAG = re.compile(r"<(/?)(tool_call|tool_response)>")  # Hermes, Qwen
_PLAIN = frozenset({"role", "content"})
CALL_TAG: Final = "<tool_"  # how these tags begin

REFUSE, KEEP_TEXT = "refuse", "keep_text"


def _media_offers(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
    if not any(media_in(value) for fields in rows for value in fields.values() if isinstance(value, list | dict | str)):
        return {}
    return {REFUSE: "Leave these rows out", KEEP_TEXT: "Keep their text, without the images"}


MEDIA: Final = ShapeChoice(
    "images",
    "Images and other media",
    "Training here reads text only. Leave the rows with images, audio or files out, or keep their text: then the "
    "answers may speak of something that the model never sees.",
    _media_offers,
    REFUSE,
)


def media_in(value: Any) -> bool:
    """Whether a list of turns contains an image, audio or a file."""
    listed = as_list(value)
    if not isinstance(listed, list):
        return False
    return any(
        isinstance(part, Mapping) and _kind(part) == "media"
        for turn in listed
        if isinstance(turn, Mapping)
        for part in _parts(turn.get("content", turn.get("parts")))
    )


class Chat:
    """Turns, one after the other, become messages.

    Attributes:
        messages: so far; `notes` and `findings` as in `ShapedRow`.
    """

    def __init__(self, images: str = REFUSE) -> None:
        self.messages: list[Any] = []
        self.notes: dict[str, None] = {}
        self.findings: list[Finding] = []
        self.calls = Calls()
        self._images = images
        self._media: dict[str, int] = {}

    def shaped(self, tools: object = None, rejected: object = None) -> ShapedRow:
        """The result, with what was found on the way."""
        if self._media:
            kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self._media.items()))
            code, text = "media_removed", f"The text is kept without its media ({kinds})."
            if self._images != KEEP_TEXT:
                code, text = "media_refused", f"The row contains media ({kinds}); training here reads text only."
            self.findings.append(finding(code, text, field="messages"))
        return ShapedRow(self.messages, tools, rejected, None, tuple(self.notes), tuple(self.findings))

    def add_all(self, turns: Sequence[Any], *, strict: bool = False) -> None:
        """Add turns; with `strict`, roles with other names than the studio's are left for the check to report."""
        for turn in turns:
            self.add(turn, strict=strict)

    def add(self, turn: Any, *, strict: bool = False) -> None:
        """Add one turn; what is not a turn is left for the check to report."""
        if not isinstance(turn, Mapping):
            self.messages.append(turn)
            return
        if (
            turn.keys() <= _PLAIN
            and isinstance(turn.get("content"), str)
            and turn.get("role") in ("user", "assistant", "system")
            and CALL_TAG not in turn["content"]
        ):
            self.messages.append(dict(turn))
            return
        key = next((key for key in ROLE_KEYS if turn.get(key) is not None), None)
        if key is None and (spoken := [(name, turn[name]) for name in turn if speaker(name) and turn[name]]):
            for name, text in spoken:  # {"user": "...", "assistant": "..."}
                self.add({"role": name, "content": text})
            return
        self._message(turn, key, strict)

    def system(self, value: Any) -> None:
        """Add a system message in front: a text, a list of parts, or an object with parts."""
        text = text_of(value)
        if not is_empty(text):
            self.messages.append({"role": "system", "content": text})

    def _message(self, turn: Mapping[str, Any], key: str | None, strict: bool) -> None:
        raw = turn.get(key) if key else None
        if isinstance(raw, Mapping):  # ChatGPT's own export: {"author": {"role": ...}}
            raw = raw.get("role")
        role = speaker(raw) if isinstance(raw, str) else None
        if role is None or (strict and raw not in (*ROLES, "developer", "function")):
            role = raw if strict or raw is not None else role
        if raw == "developer":
            self.notes["role_developer"] = None
        content_key = next((name for name in CONTENT_KEYS if turn.get(name) is not None), None)
        content = turn.get(content_key) if content_key else None
        if role == "call":
            self._assistant(
                {"content": ""}, self.calls.calls(parsed_json(content) if isinstance(content, str) else content)
            )
            return
        extra = {
            name: value
            for name, value in turn.items()
            if name
            not in (
                key,
                content_key,
                "content",
                "weight",
                *_REASONING,
                *_TRAINED,
                "tool_calls",
                "function_call",
                "tool_call_id",
                "refusal",
            )
            and value is not None
            and strict
        }
        if not strict and isinstance(turn.get("name"), str):
            extra["name"] = turn["name"]
        if role == "tool":
            if isinstance(content, str):
                found = _tagged(content, "tool_response")[0]
                for text in found or [content]:
                    self.messages.append(
                        {**extra, **self.calls.result(text, turn.get("tool_call_id"), turn.get("name"))}
                    )
            else:
                text = text_of(content)
                self.messages.append({**extra, **self.calls.result(text, turn.get("tool_call_id"), turn.get("name"))})
            return
        text, called, results = self._content(content, role, strict)
        if content is None and isinstance(turn.get("refusal"), str):
            text = turn["refusal"]
        message: dict[str, Any] = {"role": role, "content": text, **extra}
        # Axolotl writes 0 on inputs, which are never learned here.
        if (weight := turn.get("weight")) is not None and (role == "assistant" or weight not in (0, False)):
            message["weight"] = int(weight) if isinstance(weight, float) and weight in (0, 1) else weight
        elif role == "assistant" and any(turn.get(name) is False for name in _TRAINED):
            message["weight"] = 0
        thought = next(
            (turn[name] for name in _REASONING if isinstance(turn.get(name), str) and turn[name].strip()), ""
        )
        if thought:
            message["content"] = self._with_reasoning(thought, text)
        given = turn.get("tool_calls") or turn.get("function_call")
        if given:
            called = [*called, *made] if isinstance(made := self.calls.calls(given), list) else made
        for result in results:
            self.messages.append(result)
        if role == "assistant" and called:
            self._assistant(message, called)
        elif not (results and is_empty(text)):
            self.messages.append(message)

    def _with_reasoning(self, thought: str, text: Any) -> str:
        """Reasoning in front of the answer, between the tags that Qwen's and DeepSeek's templates read."""
        self.notes["reasoning_tags"] = None
        return f"<think>\n{thought.strip()}\n</think>\n\n{text or ''}"

    def _assistant(self, message: Mapping[str, Any], calls: Any) -> None:
        """An assistant message with calls; joined to the text that it said just before."""
        last = self.messages[-1] if self.messages else None
        if (
            is_empty(message.get("content"))
            and isinstance(last, dict)
            and last.get("role") == "assistant"
            and "tool_calls" not in last
        ):
            last["tool_calls"] = calls
            return
        content = message.get("content")
        self.messages.append({**message, "role": "assistant", "content": content or "", "tool_calls": calls})

    def _content(self, content: Any, role: object, strict: bool) -> tuple[Any, list[Any], list[dict[str, Any]]]:
        """The text of a content, the calls in it, and the tool results in it; with `strict`, only what OpenAI's format
        allows is a text, and the rest is left for the check to report."""
        if isinstance(content, str):
            if role == "assistant" and "<tool_call>" in content:
                inside, outside = _tagged(content, "tool_call")
                calls = [parsed_json(text) for text in inside]
                if calls and all(isinstance(call, dict) and isinstance(call.get("name"), str) for call in calls):
                    return outside, [self.calls.call(call) for call in calls], []
            return content, [], []
        if not isinstance(content, list | Mapping):
            return cell_text(content) if isinstance(content, bool | int | float) and not strict else content, [], []
        if (
            isinstance(content, list)
            and (strict or len(content) > 1)
            and not any(isinstance(part, Mapping) for part in content)
        ):
            return content, [], []  # several texts or numbers, such as other answers: the check reports them
        texts: list[str] = []
        calls_: list[Any] = []
        results: list[dict[str, Any]] = []
        for part in _parts(content):
            kind = _kind(part) if isinstance(part, Mapping) else "text"
            if kind == "text":
                texts.append(_part_text(part))
            elif kind == "reasoning":
                texts.append(self._with_reasoning(_part_text(part), ""))
            elif kind == "call":
                calls_.append(self.calls.call(_inner(part)))
            elif kind == "result":
                inner = _inner(part)
                answered = inner.get("tool_use_id") or inner.get("toolUseId") or inner.get("id")
                given = inner.get("content", inner.get("response", inner.get("output")))
                text = text_of(given) if isinstance(given, list | str) else cell_text(given)
                results.append(self.calls.result(text, answered, inner.get("name")))
            else:
                name = _media_name(part)
                self._media[name] = self._media.get(name, 0) + 1
        text = "".join(
            piece if number == 0 or texts[number - 1].endswith("</think>\n\n") else f"\n{piece}"
            for number, piece in enumerate(texts)
        )
        return text, calls_, results


def _tagged(text: str, name: str) -> tuple[list[str], str]:
    """The texts in tags of this name, and the text without the content of any of the two kinds of tags."""
    inside: list[str] = []
    outside: list[str] = []
    opened: re.Match[str] | None = None
    at = 0
    for tag in _TAG.finditer(text):
        if not tag[1]:
            opened = opened or tag
        elif opened and tag[2] == opened[2]:
            if tag[2] == name:
                inside.append(text[opened.end() : tag.start()].strip())
            outside.append(text[at : opened.start()])
            at, opened = tag.end(), None
    return inside, "".join([*outside, text[at:]]).strip()


def speaker(name: object) -> str | None:
    """The role of a speaker by its name; None if it is not known."""
    return SPEAKERS.get(name.strip().lower()) if isinstance(name, str) else None


def text_of(value: Any) -> Any:
    """The text of a content: parts are joined with line breaks; what has no text unchanged."""
    value = as_list(as_object(value)) if isinstance(value, str) and value.lstrip()[:2] in ("[{", '{"') else value
    if not isinstance(value, list | Mapping):
        return cell_text(value) if isinstance(value, bool | int | float) else value
    texts = [_part_text(part) for part in _parts(value) if not isinstance(part, Mapping) or _kind(part) == "text"]
    return "\n".join(texts) if texts else cell_text(value) if value else ""


def turn_list(value: Any) -> list[Any] | None:
    """A list of turns: objects with a speaker and a text, or with one key per speaker; else None."""
    listed = as_list(value)
    if not isinstance(listed, list) or not listed or not all(isinstance(turn, Mapping) for turn in listed):
        return None
    return listed if all(is_turn(turn) for turn in listed) else None


def is_turn(turn: Mapping[str, Any]) -> bool:
    """Whether an object is one turn of a conversation."""
    if any(turn.get(key) is not None for key in ROLE_KEYS):
        return any(key in turn for key in (*CONTENT_KEYS, "tool_calls", "function_call"))
    return any(speaker(name) in ("user", "assistant") for name in turn)


# ---- parts of a content


def _parts(content: Any) -> Iterator[Any]:
    if isinstance(content, Mapping):
        inner = content.get("parts", content.get("content"))
        yield from _parts(inner) if isinstance(inner, list | Mapping) else [content]
    elif isinstance(content, list):
        yield from content


def _kind(part: Mapping[str, Any]) -> str:
    kind = part.get("type")
    if (
        kind in ("thinking", "reasoning", "redacted_thinking")
        or part.get("thought") is True
        or "reasoningContent" in part
    ):
        return "reasoning"
    if kind in ("tool_use", "tool-call", "server_tool_use") or any(
        k in part for k in ("functionCall", "function_call", "toolUse")
    ):
        return "call"
    if kind in ("tool_result", "tool-result") or any(
        k in part for k in ("functionResponse", "function_response", "toolResult")
    ):
        return "result"
    if any(isinstance(part.get(key), str) for key in ("text", "refusal")) or (
        isinstance(part.get("text"), Mapping) and isinstance(part["text"].get("value"), str)
    ):
        return "text"
    return "media"


def _inner(part: Mapping[str, Any]) -> Mapping[str, Any]:
    for key in ("functionCall", "function_call", "toolUse", "functionResponse", "function_response", "toolResult"):
        if isinstance(part.get(key), Mapping):
            return part[key]  # type: ignore[no-any-return]
    return part


def _part_text(part: Any) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, Mapping):
        return cell_text(part)
    found = next(
        (part[key] for key in ("text", "thinking", "refusal", "reasoning", "reasoningContent") if part.get(key)), ""
    )
    if isinstance(found, Mapping):  # {"text": {"value": ...}}, {"reasoningContent": {"reasoningText": {"text": ...}}}
        inner = found.get("value", found.get("reasoningText", found.get("text", "")))
        return _part_text(inner)
    return cell_text(found)


def _media_name(part: Mapping[str, Any]) -> str:
    named = str(part.get("type") or next(iter(part), "file"))
    return next((word for word in ("image", "audio", "video") if word in named.lower()), "file")
