"""Chat templates, run as transformers runs them, without importing it (which imports torch).

Preview, forecast, training and chat all use this one renderer, so they cannot disagree about a conversation's text. A
test compares it with transformers on every template that TRL ships. A template is foreign code, so it runs in a
sandbox, in a child process with limits: a sandbox alone does not keep a loop from running for hours, or a text from
growing to gigabytes.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from jinja2 import TemplateError, nodes
from jinja2.environment import Template
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from core.platform.limited import Limited, LimitExceeded

Span = tuple[int, int]
_BEGIN, _END = "\U0010fff0", "\U0010fff1"  # private-use characters that no text has
_MARK: Final = re.compile(f"[{_BEGIN}{_END}]")
_MARKED: Final = re.compile(f"{_BEGIN}([^{_BEGIN}{_END}]*+){_END}")


Chat = Mapping[str, Any]  # what a template gets: `messages` as dictionaries, `tools` as schemas, or None
Said = dict[str, Any]  # by the child: text, spans and prefixes; or refused, failed: why

MEMORY_BYTES: Final = 1 << 30
CPU_S: Final = 3.0  # of one conversation; an ordinary one takes less than a millisecond
MAX_TEMPLATE: Final = 1_000_000  # characters; the longest known templates have 30,000
_MOST_ADDED, _MOST_TIMES = 1_000_000, 20  # characters of a text: what a template adds, and times the conversation's own
_STRIKES: Final = 3  # after so many conversations over a limit, a template is not run again by this process
_strikes: Counter[str] = Counter()


class RefusedByTemplate(TemplateError):
    """The template called `raise_exception`: it does not accept this conversation."""


@dataclass(frozen=True, slots=True)
class Prefixes:
    """Where an assistant's turn is in a template without markers, by rendering the conversation up to it.

    Attributes:
        before, until: characters of the text up to the turn, and with it.
        grows: the full text begins with the one up to the turn; `begins`: that one with the text before the turn.
        problem: why the template does not render up to the turn; "" where it does.
    """

    before: int = 0
    until: int = 0
    grows: bool = False
    begins: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Turns:
    """A conversation's text, with the place of each assistant turn: by the template's own markers, or by prefixes."""

    text: str
    spans: list[Span]
    prefixes: list[Prefixes]


def text_of(template: str, chat: Chat, special_tokens: Mapping[str, str], *, generate: bool = False) -> str:
    """The text of a conversation.

    Args:
        special_tokens: `bos_token`, `eos_token` and so on.
        generate: end with the beginning of the assistant's turn.

    Raises:
        RefusedByTemplate: by its own words. TemplateError: it fails, or needs more than the limits.
    """
    return str(_limited(template, chat, special_tokens, "generate" if generate else "text")["text"])


def turns_of(template: str, chat: Chat, special_tokens: Mapping[str, str], said: Said | None = None) -> Turns:
    """The text of a conversation and its assistant turns. Raises as `text_of`.

    Args:
        said: what `all_said` returned for this conversation; None: the template is run.
    """
    said = _good(said) if said is not None else _limited(template, chat, special_tokens, "turns")
    spans = [(int(start), int(end)) for start, end in said["spans"]]
    return Turns(str(said["text"]), spans, [Prefixes(**prefix) for prefix in said["prefixes"]])


def all_said(template: str, chats: Sequence[Chat], special_tokens: Mapping[str, str]) -> list[Said | None]:
    """What `turns_of` needs for each of several conversations, asked for together, which costs a third.

    None for all of them where one exceeds a limit: each is then rendered by itself.
    """
    if len(template) <= MAX_TEMPLATE and _strikes[template] < _STRIKES:
        with suppress(LimitExceeded, TypeError, ValueError, RecursionError):
            said: list[Said | None] = _child(template, chats, dict(special_tokens), "turns")
            return said
    return [None] * len(chats)


def takes_tools(tokenizer: Any) -> bool:
    """Whether a tokenizer's chat template writes the schemas of tools; where not, a model never reads them."""
    template = tokenizer.chat_template
    if not template or "tools" not in template:
        return False
    return _takes_tools(template, tuple(tokenizer.special_tokens_map.items()))


@lru_cache(maxsize=64)
def _takes_tools(template: str, special_tokens: tuple[tuple[str, str], ...]) -> bool:
    probe = {"name": "a_probe", "description": "Returns nothing.", "parameters": {"type": "object", "properties": {}}}
    chat = {"messages": [{"role": "user", "content": "Hello"}], "tools": [{"type": "function", "function": probe}]}
    try:
        return "a_probe" in text_of(template, chat, dict(special_tokens))
    except TemplateError:
        return False


_child = Limited("core.models.chat_template:answers", memory_bytes=MEMORY_BYTES, cpu_s=CPU_S)


def _limited(template: str, chat: Chat, special_tokens: Mapping[str, str], wanted: str) -> Said:
    if len(template) > MAX_TEMPLATE:
        raise TemplateError(f"it has {len(template):,} characters; the limit is {MAX_TEMPLATE:,}")
    if _strikes[template] >= _STRIKES:
        raise TemplateError(f"it exceeded its limits with {_STRIKES} conversations and is not run again")
    try:
        said: Said = _child(template, [chat], dict(special_tokens), wanted)[0]
    except LimitExceeded as error:
        _strikes[template] += 1
        raise TemplateError(f"it needs more than {error.limit}") from error
    return _good(said)


def _good(said: Said) -> Said:
    if problem := said.get("refused"):
        raise RefusedByTemplate(problem)
    if problem := said.get("failed"):
        raise TemplateError(problem)
    return said


def answers(template: str, chats: Sequence[Chat], special_tokens: Mapping[str, str], wanted: str) -> list[Said]:
    """In the child: for each conversation what `wanted` (text, generate or turns) is, or why the template fails."""
    return [_answer(template, chat, special_tokens, wanted) for chat in chats]


def _answer(template: str, chat: Chat, special_tokens: Mapping[str, str], wanted: str) -> Said:
    most = _MOST_ADDED + _MOST_TIMES * sum(len(str(part)) for part in (*chat["messages"], chat["tools"]))
    try:
        renderer = compiled(template)
        text = renderer.render(chat, special_tokens, generate=wanted == "generate")
        if len(text) > most:
            return {"failed": f"it writes more than {most:,} characters"}
        if wanted != "turns":
            return {"text": text}
        at = [index for index, message in enumerate(chat["messages"]) if message["role"] == "assistant"]
        spans = _joined(renderer.assistant_spans(chat, special_tokens))
        prefixes = (
            [] if len(spans) == len(at) else [_prefixes(renderer, chat, index, text, special_tokens) for index in at]
        )
        return {"text": text, "spans": spans if len(spans) == len(at) else [], "prefixes": prefixes}
    except MemoryError:
        raise
    except RefusedByTemplate as error:
        return {"refused": str(error) or "no reason given"}
    except Exception as error:  # a template is foreign code and may fail in any way
        return {"failed": str(error) or type(error).__name__}


def _prefixes(
    renderer: ChatTemplate, chat: Chat, index: int, text: str, special_tokens: Mapping[str, str]
) -> dict[str, object]:
    messages = chat["messages"]
    try:
        asked = {**chat, "messages": messages[:index]}
        before = renderer.render(asked, special_tokens, generate=True) if index else ""
        until = renderer.render({**chat, "messages": messages[: index + 1]}, special_tokens)
    except MemoryError:
        raise
    except Exception as error:
        return {"problem": str(error) or type(error).__name__}
    found = {"grows": text.startswith(until), "begins": until.startswith(before)}
    return {"before": len(before), "until": len(until), **found}


def _joined(spans: Sequence[Span]) -> list[Span]:
    """Joins spans that touch (Phi-3 marks the end of a chat separately from its last answer)."""
    joined: list[Span] = []
    for start, end in spans:
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


class ChatTemplate:
    """One compiled template."""

    def __init__(self, text: str) -> None:
        self._plain = _compile(text, _Generation)
        self._marked: Template | None = None  # compiled where a template turns out to mark the assistant's text
        self._text = text

    def render(self, chat: Chat, special_tokens: Mapping[str, str], *, generate: bool = False) -> str:
        """The text of a conversation. A template may raise any exception.

        Args:
            special_tokens: `bos_token`, `eos_token` and so on.
            generate: end with the beginning of the assistant's turn.
        """
        return _run(self._plain, chat, special_tokens, generate=generate)

    def assistant_spans(self, chat: Chat, special_tokens: Mapping[str, str]) -> list[Span]:
        """The characters inside the template's `{% generation %}` blocks; [] where it has none."""
        if "generation" not in self._text:
            return []
        self._marked = self._marked or _compile(self._text, _MarkedGeneration)
        marked = _run(self._marked, chat, special_tokens, generate=False)
        if _MARK.sub("", marked) != self.render(chat, special_tokens):  # the text has such characters itself, or the
            return []  # template works on what it wrote
        spans = []
        for number, match in enumerate(_MARKED.finditer(marked)):
            start = match.start() - 2 * number  # every span in front of this one added two characters
            spans.append((start, start + len(match.group(1))))
        return spans


@lru_cache(maxsize=16)
def compiled(text: str) -> ChatTemplate:
    """The template of a text, compiled once. Raises TemplateError: its syntax is wrong."""
    return ChatTemplate(text)


class _Generation(Extension):
    """The `{% generation %}` block, which transformers added to Jinja. Its body has a separate scope."""

    tags = {"generation"}  # noqa: RUF012  (Jinja's own declaration)

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("keep"), [], [], body).set_lineno(line)

    def keep(self, caller: Callable[[], str]) -> str:
        return caller()


class _MarkedGeneration(_Generation):
    """The same, with a character at each end."""

    def keep(self, caller: Callable[[], str]) -> str:
        return f"{_BEGIN}{caller()}{_END}"


def _compile(text: str, generation: type[Extension]) -> Template:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[generation, loopcontrols]
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    return environment.from_string(text)


def _run(template: Template, chat: Chat, special_tokens: Mapping[str, str], *, generate: bool) -> str:
    return template.render(**{**chat, "documents": None, "add_generation_prompt": generate, **special_tokens})


def _to_json(
    value: Any, ensure_ascii: bool = False, indent: Any = None, separators: Any = None, sort_keys: bool = False
) -> str:
    # Jinja's own filter escapes HTML. Source of the arguments: transformers.utils.chat_template_utils.
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _refuse(message: str) -> None:
    raise RefusedByTemplate(message)
