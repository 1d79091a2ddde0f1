"""Which examples of a version a base model's chat template refuses: counted once, saved beside the version."""

from __future__ import annotations

import contextlib
import json
import re
from collections import Counter
from collections.abc import Hashable, Iterator
from typing import Any, Final

from core.errors import DataError, StorageError
from core.messages import Message
from core.models.base_models.light_tokenizer import load_tokenizer
from core.models.base_models.records import BaseModelRef
from core.models.refusals import accepted
from core.models.render import special_tokens
from core.platform.storage import get_storage
from core.services.data import datasets
from core.training.forecast.refusals import Refusal, Refusals

PROOFS: Final = 50  # accepted conversations of one shape; the others of that shape are taken to be accepted too
_PREFIX: Final = "The base model's chat template "


def refusals_of(version_id: str, base: BaseModelRef) -> Refusals:
    """The refusals of a version; none where the base's tokenizer is not on this machine."""
    if not base.ready or base.path is None:
        return Refusals()
    key = f"{datasets.get_version(version_id).path}/refusals-{base.revision[:16]}.json"
    try:
        return Refusals.from_dict(json.loads(get_storage().read_bytes(key)))
    except (StorageError, ValueError, TypeError, KeyError):
        counted = Refusals.of(_refused(version_id, load_tokenizer(base.path, base.revision)))
        with contextlib.suppress(StorageError):  # saved only to be faster next time; the dataset may be in deletion
            get_storage().write_bytes(key, json.dumps(counted.to_dict()).encode())
        return counted


def _refused(version_id: str, tokenizer: Any) -> Iterator[Refusal]:
    """Every example that is refused, in the dataset's order.

    Rendering hundreds of thousands of alike conversations would take minutes, and a template decides by their shape.
    """
    special = re.compile("|".join(map(re.escape, special_tokens(tokenizer))) or r"(?!)")
    proven: Counter[Hashable] = Counter()
    for position, example in enumerate(datasets.iter_examples(version_id)):
        shape = tuple(_shape(message, special) for message in example.messages)
        if proven[shape] >= PROOFS:
            continue
        try:
            accepted(example.messages, tokenizer, "stop")
            proven[shape] += not any(
                spells for *_, spells in shape
            )  # text that spells a special token: always looked at
        except DataError as error:
            mergeable = accepted(example.messages, tokenizer, "merge_system") is not None
            reason = error.message.removeprefix(_PREFIX).rstrip(".")
            yield Refusal(position, example.source_line, example.split == "train", mergeable, f"it {reason}")


def _shape(message: Message, special: re.Pattern[str]) -> tuple[Hashable, ...]:
    """What a template decides by: everything but the words themselves."""
    text = message.content
    calls = tuple((len(str(call.get("id"))), bool(call.get("function"))) for call in message.tool_calls)
    spaces = text[:1].isspace(), text[-1:].isspace()
    spells = bool(special.search(text)) or any(special.search(json.dumps(dict(call))) for call in message.tool_calls)
    about = (message.role, bool(text), spaces, "</think>" in text, message.name is None)
    return (*about, calls, len(message.tool_call_id or ""), spells)
