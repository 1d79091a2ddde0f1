"""A base model's tokenizer without transformers (whose import brings torch): enough for `core.models.render`.

The chat template runs in the same sandbox that transformers uses; a template from a model directory is foreign code.
"""

from __future__ import annotations

import json
import re
import threading
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from core.errors import DataError
from core.models.base_models import training_templates

_GENERATION = re.compile(r"\{%(-?)\s*(end)?generation\s*(-?)%\}")

_BEGIN, _END = "\U0010fff0", "\U0010fff1"  # private-use characters that no text has
_ESCAPED = tuple(json.dumps(mark)[1:-1] for mark in (_BEGIN, _END))


class LightTokenizer:
    """Text -> ids by `tokenizers`, messages -> text by the model's chat template.

    `training_template` is the variant that stands in for the model's own, None where that one will do.
    """

    def __init__(self, path: Path) -> None:
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(path / "tokenizer.json"))
        self._lock = threading.Lock()
        self._settings = _settings(path)
        self._template_text = template_of(path)
        variant = training_templates.variant_of(self._template_text)
        self.training_template = variant if variant and training_templates.is_needed(self) else None
        if self.training_template:
            self._template_text = self.training_template
            self.__dict__.pop("_template", None)  # compiled from the other one

    @property
    def chat_template(self) -> str:
        """The template without its markers of the assistant's text."""
        return _GENERATION.sub(_plain_if, self._template_text)

    @cached_property
    def special_tokens_map(self) -> dict[str, str]:
        """`bos_token`, `eos_token` and so on, as the template names them."""
        named = {name: value for name, value in self._settings.items() if name.endswith("_token")}
        return {name: _content(value) for name, value in named.items() if _content(value)}

    @property
    def vocab_size(self) -> int:
        """Tokens without the added ones (Gemma 3 adds one that its text model has no row for)."""
        size: int = self._tokenizer.get_vocab_size(with_added_tokens=False)
        return size

    @property
    def added_tokens_decoder(self) -> dict[int, Any]:
        return dict(self._tokenizer.get_added_tokens_decoder())

    @property
    def all_special_tokens(self) -> list[str]:
        return list(self.special_tokens_map.values())

    @cached_property
    def _template(self) -> Any:
        return self._compiled(self.chat_template)

    def _compiled(self, text: str) -> Any:
        from jinja2.ext import loopcontrols
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        # the same environment as transformers' chat templates, minus the generation tag
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
        environment.filters["tojson"] = lambda value, **kw: json.dumps(value, ensure_ascii=False, **kw)
        environment.globals["raise_exception"] = _refuse
        environment.globals["strftime_now"] = _strftime_now
        return environment.from_string(text)

    def apply_chat_template(
        self, chat: list[dict[str, Any]], *, tokenize: bool = False, add_generation_prompt: bool = False
    ) -> str:
        """The text of a conversation. Raises jinja2.TemplateError where the template refuses it."""
        values = {"messages": chat, "add_generation_prompt": add_generation_prompt, "tools": None, "documents": None}
        return str(self._template.render(**values, **self.special_tokens_map))

    def assistant_spans(self, chat: list[dict[str, Any]]) -> list[tuple[int, int]]:
        """The characters that the template's own {% generation %} markers enclose; [] where it has none."""
        if not _GENERATION.search(self._template_text) or any(mark in json.dumps(chat) for mark in _ESCAPED):
            return []
        values = {"messages": chat, "add_generation_prompt": False, "tools": None, "documents": None}
        marked = self._compiled(_GENERATION.sub(_marks, self._template_text))
        text = str(marked.render(**values, **self.special_tokens_map))
        spans: list[tuple[int, int]] = []
        for done, found in enumerate(re.finditer(f"{_BEGIN}(.*?){_END}", text, flags=re.DOTALL)):
            start = found.start() - 2 * done  # two marks stand before it for each span that is behind
            spans.append((start, start + len(found.group(1))))
        return spans

    def convert_tokens_to_ids(self, token: str) -> int | None:
        found: int | None = self._tokenizer.token_to_id(token)
        return found

    def __call__(self, text: str, *, split_special_tokens: bool = False, **_: Any) -> dict[str, Any]:
        """Ids and character offsets; with `split_special_tokens` a special token's spelling is ordinary text."""
        with self._lock:  # the setting is the tokenizer's own, and several screens may share it
            self._tokenizer.encode_special_tokens = split_special_tokens
            encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return {"input_ids": encoding.ids, "offset_mapping": encoding.offsets}


def template_of(path: Path) -> str:
    """The chat template of a model directory, as it is written there; "" where it has none."""
    template = path / "chat_template.jinja"
    if template.is_file():
        return template.read_text(encoding="utf-8")
    return str(_settings(path).get("chat_template") or "")


def _settings(path: Path) -> dict[str, Any]:
    file = path / "tokenizer_config.json"
    parsed: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return parsed


def training_template(path: Path) -> str | None:
    """The chat template that stands in for the one of a model directory; None where its own will do, or cannot be read
    (which is said where it is loaded)."""
    if not training_templates.variant_of(text := template_of(path)):
        return None
    try:
        return load_tokenizer(path, text).training_template
    except (DataError, OSError):
        return None


@lru_cache(maxsize=4)
def load_tokenizer(path: Path, revision: str = "") -> LightTokenizer:
    """The tokenizer of a model directory, kept for the next question (`revision` tells a changed one apart).

    Raises:
        DataError: its files cannot be read.
    """
    try:
        return LightTokenizer(path)
    except Exception as error:  # the tokenizers library raises bare Exception for a file it cannot read
        raise DataError(
            f"The tokenizer in {path.name} cannot be read: {error}.", "Download or save it again.", code="base_model"
        ) from error


def _plain_if(match: re.Match[str]) -> str:
    before, end, after = match.groups()
    return f"{{%{before} {'endif' if end else 'if true'} {after}%}}"


def _marks(match: re.Match[str]) -> str:
    """The same, with a character where the assistant's text begins or ends; a block on each side, so that what the
    template trims is trimmed."""
    left, end, right = match.groups()
    word, mark = ("endif", _END) if end else ("if true", _BEGIN)
    return f"{{%{left} {word} %}}{{{{ '{mark}' }}}}{{% {word} {right}%}}"


def _content(value: Any) -> str:
    return str(value.get("content", "")) if isinstance(value, dict) else str(value or "")


def _refuse(message: str) -> None:
    from jinja2 import TemplateError

    raise TemplateError(message)


def _strftime_now(form: str) -> str:
    from datetime import datetime

    return datetime.now().strftime(form)
