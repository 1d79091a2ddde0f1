"""A chat template as Ollama's Go template, derived from what the Jinja template makes of marked conversations.

The result is compared with the original on several conversations; a template that is more than a sequence of turns (one
that trims, merges or counts them) is refused, because a model that reads another prompt than in training answers badly.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from jinja2 import TemplateError

from core.errors import SettingsError
from core.models.chat_template import RefusedByTemplate, text_of

_MARKS: Final[Mapping[str, str]] = {
    "system": "\u0001SYSTEM\u0001",
    "user": "\u0001USER\u0001",
    "assistant": "\u0001ASSISTANT\u0001",
}
_CHECKED: Final[tuple[tuple[tuple[str, str], ...], ...]] = (
    (("user", "a"),),
    (("system", "s"), ("user", "a")),
    (("user", "a"), ("assistant", "b"), ("user", "c")),
    (("system", "s"), ("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d"), ("user", "e")),
)


@dataclass(frozen=True, slots=True)
class TurnTemplate:
    """The texts around each turn. `opening` begins every prompt, `default_system` follows it where there is no system
    message; `answer` begins the assistant's turn. `system` is None where the template refuses system messages."""

    opening: str
    default_system: str
    system: tuple[str, str] | None
    user: tuple[str, str]
    assistant: tuple[str, str]
    answer: str

    def render(self, turns: Sequence[tuple[str, str]]) -> str:
        """The prompt of a conversation, as Ollama renders `go`."""
        has_system = any(role == "system" for role, _ in turns)
        around = {"system": self.system or ("", ""), "user": self.user, "assistant": self.assistant}
        body = "".join(f"{around[role][0]}{text}{around[role][1]}" for role, text in turns)
        return f"{self.opening}{'' if has_system else self.default_system}{body}{self.answer}"

    @property
    def go(self) -> str:
        """The template in Go's language."""
        parts = [_literal(self.opening)]
        if self.default_system:
            parts.append(f"{{{{ if not .System }}}}{_literal(self.default_system)}{{{{ end }}}}")
        parts.append("{{ range .Messages }}")
        roles: dict[str, tuple[str, str]] = {"user": self.user, "assistant": self.assistant}
        if self.system:
            roles["system"] = self.system
        for number, (role, (before, after)) in enumerate(roles.items()):
            word = "if" if number == 0 else "else if"
            parts.append(f'{{{{ {word} eq .Role "{role}" }}}}{_literal(before)}{{{{ .Content }}}}{_literal(after)}')
        parts.append(f"{{{{ end }}}}{{{{ end }}}}{_literal(self.answer)}")
        return "".join(parts)


def turn_template(template: str, specials: Mapping[str, str]) -> TurnTemplate:
    """The turns of a Jinja template.

    Raises:
        SettingsError: it is more than a sequence of turns.
    """
    try:
        found = _derived(template, specials)
        for turns in _CHECKED:
            if found.system is None and turns[0][0] == "system":
                continue
            if found.render(turns) != _text(template, turns, specials):
                raise ValueError("it does more than write the turns one after the other")
    except (TemplateError, RefusedByTemplate, ValueError) as error:
        raise SettingsError(
            f"The model's chat template cannot be written for Ollama: {str(error).rstrip('.')}.",
            "Serve it with llama.cpp or vLLM, which read the template itself.",
        ) from error
    return found


def _derived(template: str, specials: Mapping[str, str]) -> TurnTemplate:
    user, assistant = _MARKS["user"], _MARKS["assistant"]
    asked, answered = [("user", user)], [("user", user), ("assistant", assistant)]
    one, prompt = _text(template, asked, specials, generate=False), _text(template, asked, specials)
    two = _text(template, answered, specials, generate=False)
    three = _text(template, [*answered, ("user", user)], specials, generate=False)
    if one.count(user) != 1 or two.count(assistant) != 1 or three.count(user) != 2:
        raise ValueError("it does not write a message as it is")
    before, user_end = one.split(user)
    answer = _rest(prompt, one)
    assistant_start = _rest(two.split(user)[1].split(assistant)[0], user_end)
    assistant_end = two.split(assistant)[1]
    user_start = _rest(three.split(assistant)[1].split(user)[0], assistant_end)
    opening_and_default = before.removesuffix(user_start)
    if opening_and_default == before and user_start:
        raise ValueError("the first turn begins otherwise")
    system, opening = _system(template, specials, opening_and_default, user_start, user_end)
    default = opening_and_default[len(opening) :]
    return TurnTemplate(opening, default, system, (user_start, user_end), (assistant_start, assistant_end), answer)


def _rest(text: str, begin: str) -> str:
    """What follows `begin`. Raises ValueError: the text does not begin so."""
    if not text.startswith(begin):
        raise ValueError("a later turn changes an earlier one")
    return text[len(begin) :]


def _system(
    template: str, specials: Mapping[str, str], before: str, user_start: str, user_end: str
) -> tuple[tuple[str, str] | None, str]:
    """The texts around a system message (None: refused), and the opening before it."""
    mark = _MARKS["system"]
    try:
        text = _text(template, [("system", mark), ("user", _MARKS["user"])], specials, generate=False)
    except RefusedByTemplate:
        return None, before
    if text.count(mark) != 1:
        raise ValueError("it does not write the system message as it is")
    start, rest = text.split(mark)
    end = rest.removesuffix(f"{user_start}{_MARKS['user']}{user_end}")
    if end == rest:
        raise ValueError("a system message changes the turn after it")
    opening = _opening(start, before)
    return (start[len(opening) :], end), opening


def _opening(with_system: str, without: str) -> str:
    """What both begin with, if that is all there is without a system message, else nothing: a default system message
    begins as any other."""
    return without if with_system.startswith(without) else ""


def _text(
    template: str, turns: Sequence[tuple[str, str]], specials: Mapping[str, str], *, generate: bool = True
) -> str:
    messages = [{"role": role, "content": text} for role, text in turns]
    return text_of(template, {"messages": messages, "tools": None}, specials, generate=generate)


def _literal(text: str) -> str:
    """Text for a Go template; where it has braces, as a quoted string."""
    return f"{{{{ {json.dumps(text, ensure_ascii=False)} }}}}" if "{{" in text or "}}" in text else text
