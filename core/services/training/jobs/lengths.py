"""What a base model's tokenizer and chat template make of a version's examples: their lengths, and which are refused.

Both are counted once and saved beside the version.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import asdict
from functools import lru_cache
from itertools import islice
from typing import Any, Final

from core.errors import DataError, StorageError
from core.messages import Example, Message
from core.models.base_models import resolve
from core.models.base_models.light_tokenizer import load_tokenizer
from core.models.base_models.records import BaseModelRef
from core.models.chat_template import takes_tools
from core.models.refusals import accepted
from core.models.render import ahead, special_tokens
from core.platform.storage import get_storage
from core.services.data import datasets
from core.text import estimated_tokens, plural
from core.training.forecast.lengths import LEFT_OUT, Lengths, Span, estimate_span, measure_span, most_tokens
from core.training.forecast.refusals import NONE, Refusal, Refusals
from core.training.sample_prompts import SampleSplit, answer_limit, candidates, shares

PROOFS: Final = 50  # accepted conversations of one shape; the others of that shape are taken to be accepted too
_PREFIX: Final = "The base model's chat template "
MAX_COUNTED: Final = 2_000  # examples that are tokenized for a forecast; larger sets are sampled evenly


def lengths_of(
    version_id: str, base: BaseModelRef, on_refusal: str = "stop", refusals: Refusals = NONE, *, every: bool = False
) -> Lengths:
    """Token lengths of what is trained on: exact where the base's tokenizer is here, else estimated.

    Exact counts are saved beside the version, by the base's revision, which covers its tokenizer and chat template.

    Args:
        on_refusal: see `TrainingConfig.on_refusal`.
        refusals: of the version's examples; those that are left out have no length.
        every: count every example, however many they are; else MAX_COUNTED of them.
    """
    version = datasets.get_version(version_id)
    if not base.ready or base.path is None:
        return _estimated(version_id, version.train_examples)
    policy = on_refusal if refusals.count else "stop"
    key = _lengths_key(version.path, base, policy)
    try:
        saved = json.loads(get_storage().read_bytes(key))
        spans = tuple((int(length), int(start)) for length, start in saved)
    except (StorageError, ValueError, TypeError):
        spans = ()
    if not spans or (every and len(spans) < version.train_examples):
        spans = _count(version_id, version.train_examples, base, policy, every)
        _save(key, spans)
    exact = len(spans) == version.train_examples
    trained = tuple(span for span in spans if span != LEFT_OUT)
    longest = max((length for length, _ in trained), default=None)
    examples = version.train_examples - refusals.left_out(policy)
    return Lengths(trained, examples, exact, ceiling=longest if exact else None, counted_by=base.title)


def _lengths_key(version_path: str, base: BaseModelRef, policy: str) -> str:
    return f"{version_path}/lengths-{base.revision[:16]}{'' if policy == 'stop' else f'-{policy}'}.json"


def keep_lengths(version_id: str, base: BaseModelRef, spans: Sequence[Span], on_refusal: str) -> None:
    """Save the exact counts that a run made of its full training split: the next forecast need not sample."""
    version = datasets.get_version(version_id)
    if len(spans) == version.train_examples:
        policy = on_refusal if refusals_of(version_id, base).count else "stop"
        _save(_lengths_key(version.path, base, policy), spans)


def _save(key: str, counted: object) -> None:
    """Only to be faster next time; the dataset may be in deletion."""
    with contextlib.suppress(StorageError):
        get_storage().write_bytes(key, json.dumps(counted, separators=(",", ":")).encode())


def _count(version_id: str, examples: int, base: BaseModelRef, policy: str, every: bool) -> tuple[Span, ...]:
    assert base.path is not None
    tokenizer = load_tokenizer(base.path, base.revision)
    counted = datasets.iter_examples(version_id, split="train") if every else _sampled(version_id, examples)
    sample = ahead(counted, tokenizer)
    return tuple(measure_span(example.messages, tokenizer, policy, example.tools) for example in sample)


@lru_cache(maxsize=32)  # versions never change
def _estimated(version_id: str, examples: int) -> Lengths:
    sample = _sampled(version_id, examples)
    spans = tuple(estimate_span(example.messages, example.tools) for example in sample)
    most = (
        max((most_tokens(example.messages, example.tools) for example in sample), default=None)
        if len(sample) == examples
        else None
    )
    return Lengths(spans, examples, exact=False, ceiling=most)


def _sampled(version_id: str, examples: int) -> list[Example]:
    stride = max(1, -(-examples // MAX_COUNTED))
    examples_ = datasets.iter_examples(version_id, split="train")
    return [example for number, example in enumerate(examples_) if number % stride == 0]


def sample_tokens(version_id: str, base: BaseModelRef, answers: int) -> int:
    """How many tokens the longest of a run's sample answers may have, for `answers` examples; 0 if there is none."""
    texts = _expected_answers(version_id, answers)
    if not texts:
        return 0
    if not base.ready or base.path is None:
        return answer_limit(max(map(estimated_tokens, map(len, texts))))
    tokenizer = load_tokenizer(base.path, base.revision)
    return answer_limit(max(len(tokenizer(text)["input_ids"]) for text in texts))


@lru_cache(maxsize=64)  # versions never change
def _expected_answers(version_id: str, answers: int) -> tuple[str, ...]:
    version = datasets.get_version(version_id)
    sizes: dict[SampleSplit, int] = {"validation": version.validation_examples, "train": version.train_examples}
    found: list[str] = []
    for split, count in shares(sizes["validation"], sizes["train"], answers):
        places = set(candidates(range(sizes[split]), count)[:count])
        examples = datasets.iter_examples(version_id, split=split) if places else ()
        upto = islice(examples, max(places, default=-1) + 1)
        found += [example.answer for place, example in enumerate(upto) if place in places]
    return tuple(found)


def refusals_of(version_id: str, base: BaseModelRef) -> Refusals:
    """The refusals of a version; none where the base's tokenizer is not on this machine."""
    if not base.ready or base.path is None:
        return Refusals()
    key = f"{datasets.get_version(version_id).path}/refusals-{base.revision[:16]}.json"
    try:
        return Refusals.from_dict(json.loads(get_storage().read_bytes(key)))
    except (StorageError, ValueError, TypeError, KeyError):
        counted = Refusals.of(_refused(version_id, load_tokenizer(base.path, base.revision)))
        _save(key, asdict(counted))
        return counted


def notes_of(version_id: str, base: BaseModelRef) -> tuple[str, ...]:
    """What of a version's examples a training does not use, in sentences."""
    figures = datasets.statistics(version_id)
    notes = []
    tokenizer = load_tokenizer(base.path, base.revision) if base.ready and base.path is not None else None
    if figures.with_tools and tokenizer is not None and not takes_tools(tokenizer):
        notes.append(
            f"{plural(figures.with_tools, 'example has', 'examples have')} tools, and the base model's chat template "
            "does not take tools: the model never reads their schemas. Choose a base model whose template does, or "
            "describe the tools in a system message."
        )
    if figures.with_rejected:
        notes.append(
            f"{plural(figures.with_rejected, 'example has', 'examples have')} a rejected answer. Training uses the "
            "output alone; export the pairs as DPO JSONL to train on both."
        )
    return tuple(notes)


def refusals(version_id: str, base_id: str) -> Refusals:
    """The examples of a version that the chat template of a base model refuses.

    Raises:
        NotFound: no such version or base model.
    """
    return refusals_of(version_id, resolve(base_id))


def _refused(version_id: str, tokenizer: Any) -> Iterator[Refusal]:
    """Every example that is refused, in the dataset's order.

    Rendering hundreds of thousands of alike conversations would take minutes, and a template decides by their shape.
    """
    special = re.compile("|".join(map(re.escape, special_tokens(tokenizer))) or r"(?!)")
    proven: Counter[Hashable] = Counter()
    for position, example in enumerate(datasets.iter_examples(version_id)):
        if example.split == "test":
            continue
        shape = (*(_shape(message, special) for message in example.messages), json.dumps(example.tools))
        if proven[shape] >= PROOFS:
            continue
        try:
            accepted(example.messages, tokenizer, "stop", example.tools)
            proven[shape] += not any(
                spells for *_, spells in shape
            )  # text that spells a special token: always looked at
        except DataError as error:
            mergeable = accepted(example.messages, tokenizer, "merge_system", example.tools) is not None
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
