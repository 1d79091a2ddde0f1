"""Chat templates, run as transformers runs them, without importing it (which imports torch).

Preview, forecast, training and chat all use this one renderer, so they cannot disagree about a conversation's text. A
test compares it with transformers on every template that TRL ships. A template is foreign code, so it runs in a
sandbox.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from jinja2 import TemplateError, nodes
from jinja2.environment import Template
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

Span = tuple[int, int]
_BEGIN, _END = "\U0010fff0", "\U0010fff1"  # private-use characters that no text has
_MARK: Final = re.compile(f"[{_BEGIN}{_END}]")
_MARKED: Final = re.compile(f"{_BEGIN}([^{_BEGIN}{_END}]*+){_END}")


class RefusedByTemplate(TemplateError):
    """The template called `raise_exception`: it does not accept this conversation."""


class ChatTemplate:
    """One compiled template."""

    def __init__(self, text: str) -> None:
        self._plain = _compile(text, _Generation)
        self._marked: Template | None = None  # compiled where a template turns out to mark the assistant's text
        self._text = text

    def render(
        self, chat: Sequence[Mapping[str, Any]], special_tokens: Mapping[str, str], *, generate: bool = False
    ) -> str:
        """The text of a conversation. A template may raise any exception.

        Args:
            chat: messages as dictionaries.
            special_tokens: `bos_token`, `eos_token` and so on.
            generate: end with the beginning of the assistant's turn.
        """
        return _run(self._plain, chat, special_tokens, generate=generate)

    def assistant_spans(self, chat: Sequence[Mapping[str, Any]], special_tokens: Mapping[str, str]) -> list[Span]:
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


def _run(
    template: Template, chat: Sequence[Mapping[str, Any]], special_tokens: Mapping[str, str], *, generate: bool
) -> str:
    values = {"messages": chat, "tools": None, "documents": None, "add_generation_prompt": generate}
    return template.render(**{**values, **special_tokens})


def _to_json(
    value: Any, ensure_ascii: bool = False, indent: Any = None, separators: Any = None, sort_keys: bool = False
) -> str:
    # Jinja's own filter escapes HTML. Source of the arguments: transformers.utils.chat_template_utils.
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _refuse(message: str) -> None:
    raise RefusedByTemplate(message)
