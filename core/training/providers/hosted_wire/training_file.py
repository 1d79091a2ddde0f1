"""The training file of a service: a dataset's examples as chat JSON Lines, checked by the service's published rules.

    file = write(datasets.iter_examples(version_id), "train", service.file_rules, service.title, path)
    file.warnings       # what the file does not say, with the number of examples

Every example is checked before a byte is sent. What a service cannot take is an error with the number of the example;
what the file cannot say is a warning. Nothing is left out silently.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.data.versions.exports.base import json_line
from core.errors import DataError
from core.messages import Example, Message
from core.text import plural, size, too_large
from core.training.providers.hosted import FileRules

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")  # Source: OpenAI's description of a message's `name`
_MOST_SHOWN: Final = 5
_MOST_CHECKED: Final = 1_000  # problems; after that the file is wrong anyway
_WARNINGS: Final[Mapping[str, str]] = {
    "weights": "{n} {exclude} answers from the loss (weight 0), which {title} does not know: it trains on them.",
    "names": "{n} {name} a speaker in a way that {title} does not take; the names are not in the file.",
    "rejected": "{n} {have} a rejected answer, which is not in the file.",
    "tools": "{n} {have} the schemas of tools without a call; {title} takes no tools, so they are not in the file.",
}


@dataclass(frozen=True, slots=True)
class ServiceFile:
    """A file that the service accepts. `warnings` say what it does not say; `path` is None for a check alone."""

    path: Path | None
    sha256: str
    size_bytes: int
    examples: int
    warnings: tuple[str, ...]


def write(examples: Iterable[Example], split: str, rules: FileRules, title: str, path: Path) -> ServiceFile:
    """Write the examples of a split; complete or not there at all.

    Args:
        examples: of all splits, in the order of the dataset: errors give the place there.
        title: of the service, for errors.

    Raises:
        DataError: examples that the service does not take (`line` is the number of the first one), or too few, too many
            or too large a file.
    """
    fresh = path.with_name(f".{path.name}.new")
    try:
        with fresh.open("wb") as out:
            file = _written(examples, split, rules, title, out.write)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    return ServiceFile(path, file.sha256, file.size_bytes, file.examples, file.warnings)


def check(examples: Iterable[Example], split: str, rules: FileRules, title: str) -> ServiceFile:
    """The same without a file, for the review before launch. Raises DataError."""
    return _written(examples, split, rules, title, len)


def _written(examples: Iterable[Example], split: str, rules: FileRules, title: str, out: Any) -> ServiceFile:
    digest, count, total = hashlib.sha256(), 0, 0
    problems: list[tuple[int, str]] = []
    lost: Counter[str] = Counter()
    for number, example in enumerate(examples, 1):
        if example.split != split:
            continue
        count += 1
        if problem := next(_problems(example, rules), ""):
            problems.append((number, problem))
            if len(problems) >= _MOST_CHECKED:
                break
            continue
        lost.update(_lost(example, rules))
        line = json_line(_entry(example, rules))
        total += len(line)
        digest.update(line)
        out(line)
    if problems:
        raise _wrong(problems, title)
    _check_bounds(count, total, split, rules, title)
    warnings = tuple(_sentence(text, lost[code], title) for code, text in _WARNINGS.items() if lost[code])
    return ServiceFile(None, digest.hexdigest(), total, count, warnings)


def _entry(example: Example, rules: FileRules) -> dict[str, Any]:
    messages = [_message(message, rules) for message in example.messages]
    tools = {"tools": [dict(tool) for tool in example.tools]} if example.tools and rules.tools else {}
    return {"messages": messages, **tools}


def _message(message: Message, rules: FileRules) -> dict[str, Any]:
    entry = message.to_dict()
    if message.role != "assistant" or not rules.weights:
        entry.pop("weight", None)
    if message.name is not None and not _NAME.fullmatch(message.name):
        del entry["name"]
    if message.tool_calls and not message.content:
        entry["content"] = None  # as OpenAI's own files have it
    return entry


def _problems(example: Example, rules: FileRules) -> Iterator[str]:
    """Why the service does not take an example, in words that follow *Example 17*."""
    messages = example.messages
    answers = [message for message in messages if message.role == "assistant"]
    if not answers:
        yield "has no answer of the assistant"
    elif messages[-1].role != "assistant":
        yield f"ends with a message of the {messages[-1].role}, not of the assistant"
    elif rules.weights and all(message.weight == 0 for message in answers):
        yield "excludes every answer from the loss (weight 0), so there is nothing to learn"
    calls = [call for message in messages for call in message.tool_calls]
    if not rules.tools and (calls or any(message.role == "tool" for message in messages)):
        yield "has tool calls, which the service does not take"
    for message in messages:
        if not message.content.strip() and not message.tool_calls:
            yield f"has an empty message of the {message.role}"
    ids = {str(call.get("id")) for call in calls}
    for message in messages:
        if message.role == "tool" and message.tool_call_id not in ids:
            yield f"has the result of a tool call that is not in it ({message.tool_call_id})"
    for call in calls:
        if problem := _call_problem(call):
            yield problem


def _call_problem(call: Mapping[str, Any]) -> str:
    function = call.get("function")
    arguments = function.get("arguments") if isinstance(function, Mapping) else None
    if not isinstance(function, Mapping) or not function.get("name"):
        return "has a tool call without the name of a function"
    try:
        parsed = json.loads(arguments) if isinstance(arguments, str) else None
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict):
        return f"calls {function['name']} with arguments that are not a JSON object as text"
    return ""


def _lost(example: Example, rules: FileRules) -> Iterator[str]:
    if not rules.weights and any(message.weight == 0 for message in example.messages):
        yield "weights"
    if any(message.name is not None and not _NAME.fullmatch(message.name) for message in example.messages):
        yield "names"
    if example.rejected:
        yield "rejected"
    if example.tools and not rules.tools:
        yield "tools"


def _wrong(problems: list[tuple[int, str]], title: str) -> DataError:
    (line, problem), others = problems[0], problems[1:]
    text = f"{title} does not take these examples. Example {line:,} {problem}."
    if others:
        shown = ", ".join(f"{number:,}" for number, _ in others[: _MOST_SHOWN - 1])
        more = len(others) - (_MOST_SHOWN - 1)
        also = "Example" if len(others) == 1 else "Examples"
        text += f" {also} {shown}{f' and {more:,} more' if more > 0 else ''} cannot be taken either."
    return DataError(
        text, "Edit or remove them under Datasets, or choose another service.", code="not_taken", line=line
    )


def _check_bounds(count: int, total: int, split: str, rules: FileRules, title: str) -> None:
    if split == "train" and count < rules.min_examples:
        least = plural(rules.min_examples, "training example")
        text = f"{title} needs at least {least}; the dataset has {count:,}."
        raise DataError(text, "Add labeled examples, or choose another service.", code="too_few")
    if rules.max_examples is not None and count > rules.max_examples:
        text = f"{title} takes at most {rules.max_examples:,} examples; the dataset has {count:,}."
        raise DataError(text, "Choose a part of them under Datasets.", code="too_many")
    if total > rules.max_bytes:
        text = too_large("The training file", rules.max_bytes, total)
        raise DataError(
            text, f"{title} takes {size(rules.max_bytes)}: choose a part of the examples.", code="too_large"
        )


def _sentence(text: str, count: int, title: str) -> str:
    verbs = {"have": "has", "exclude": "excludes", "name": "names"} if count == 1 else {}
    words = {verb: verbs.get(verb, verb) for verb in ("have", "exclude", "name")}
    return text.format(n=plural(count, "example"), title=title, **words)
