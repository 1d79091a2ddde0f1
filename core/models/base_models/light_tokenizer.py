"""A base model's tokenizer without transformers (which imports torch): enough for `core.models.render`."""

from __future__ import annotations

import threading
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from core.errors import DataError
from core.models.base_models import model_text, training_templates

NAMED_TEMPLATES: Final = (
    "additional_chat_templates"  # the folder of templates that have a name, as transformers calls it
)


class LightTokenizer:
    """Text -> ids by `tokenizers`; with the model's chat template and special tokens.

    `training_template` is the variant that replaces the model's own template, None where its own works.
    """

    def __init__(self, path: Path) -> None:
        from tokenizers import Tokenizer

        model_text.check_size(path / "tokenizer.json")
        self._tokenizer = Tokenizer.from_file(str(path / "tokenizer.json"))
        self._lock = threading.Lock()
        self.chat_template = template_of(path)
        self.special_tokens_map = _special_tokens(path)
        variant = training_templates.variant_of(self.chat_template)
        self.training_template = variant if variant and training_templates.is_needed(self) else None
        self.chat_template = self.training_template or self.chat_template

    @property
    def vocab_size(self) -> int:
        """Tokens without the added ones (Gemma 3 adds one that its text model has no row for)."""
        size: int = self._tokenizer.get_vocab_size(with_added_tokens=False)
        return size

    def tokens(self) -> list[str]:
        """The text of every token, as the vocabulary writes it (a character for each byte, in most)."""
        return list(self._tokenizer.get_vocab())

    @property
    def added_tokens_decoder(self) -> dict[int, Any]:
        return dict(self._tokenizer.get_added_tokens_decoder())

    @property
    def all_special_tokens(self) -> list[str]:
        return list(self.special_tokens_map.values())

    def convert_tokens_to_ids(self, token: str) -> int | None:
        token_id: int | None = self._tokenizer.token_to_id(token)
        return token_id

    def __call__(
        self, text: str, *, split_special_tokens: bool = False, add_special_tokens: bool = False, **_: Any
    ) -> dict[str, Any]:
        """Ids and character offsets.

        Args:
            split_special_tokens: a special token's spelling is ordinary text.
            add_special_tokens: begin as the model's texts begin, where no template does so.
        """
        with self._lock:  # the setting belongs to the tokenizer, which several screens may share
            self._tokenizer.encode_special_tokens = split_special_tokens
            try:
                encoding = self._tokenizer.encode(text, add_special_tokens=add_special_tokens)
            except BaseException as error:
                if type(error).__name__ != "PanicException":  # of pyo3: no Exception, so no boundary would catch it
                    raise
                raise DataError(
                    f"The base model's tokenizer fails on a text: {str(error)[:200].rstrip('.')}.",
                    "Choose another base model.",
                    code="base_model",
                ) from error
        return {"input_ids": encoding.ids, "offset_mapping": encoding.offsets}


def template_of(path: Path) -> str:
    """The chat template of a model directory; "" where it has none.

    Of several named ones it is `default`, which transformers uses without tools; "" where none has that
    name. Files come before the entry in tokenizer_config.json. Source: transformers' `_from_pretrained`.
    """
    named = path / NAMED_TEMPLATES
    for file in (named / "default.jinja", path / "chat_template.jinja"):
        if file.is_file():
            return model_text.read(file)
    if any(named.glob("*.jinja")):
        return ""
    entry = _json(path / "tokenizer_config.json").get("chat_template")
    if isinstance(entry, list):
        entry = {item.get("name"): item.get("template") for item in entry if isinstance(item, dict)}
    if isinstance(entry, dict):
        entry = entry.get("default")
    return entry if isinstance(entry, str) else ""


def _json(file: Path) -> dict[str, Any]:
    return model_text.read_json(file) if file.is_file() else {}


def _special_tokens(path: Path) -> dict[str, str]:
    """`bos_token`, `eos_token` and so on, as a template names them. Source: transformers' `_from_pretrained`."""
    settings = _json(path / "tokenizer_config.json")
    if "added_tokens_decoder" not in settings:  # then the older file takes precedence
        settings = settings | _json(path / "special_tokens_map.json")
    extra = settings.get("extra_special_tokens")
    named = {name: value for name, value in settings.items() if name.endswith("_token")}
    named |= extra if isinstance(extra, dict) else {}
    contents = {name: value.get("content") if isinstance(value, dict) else value for name, value in named.items()}
    # `add_bos_token` is a switch, not a token
    return {name: content for name, content in contents.items() if isinstance(content, str)}


def training_template(path: Path) -> str | None:
    """The chat template that replaces that of a model directory; None where its own works, or cannot be read (which is
    an error where it is loaded)."""
    try:
        text = template_of(path)
        return load_tokenizer(path, text).training_template if training_templates.variant_of(text) else None
    except Exception:  # files by others can be wrong in any way
        return None


@lru_cache(maxsize=4)
def load_tokenizer(path: Path, revision: str = "") -> LightTokenizer:
    """The tokenizer of a model directory, cached by `revision`, which changes with its files.

    Raises:
        DataError: its files cannot be read.
    """
    try:
        return LightTokenizer(path)
    except DataError:
        raise
    except Exception as error:  # the tokenizers library raises bare Exception for a file it cannot read
        raise DataError(
            f"The tokenizer in {path.name} cannot be read: {error}.", "Download or save it again.", code="base_model"
        ) from error
