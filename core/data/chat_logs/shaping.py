"""A conversation -> labeled examples, by the roles and filters that a user chose; every turn is used or left out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from core.data.chat_logs.base import Conversation, Person, Turn
from core.data.chat_logs.quality import quality
from core.messages import Message

_WORD = re.compile(r"\w+")
Part = Literal["user", "assistant", "system", "leave"]


class ChatRecipe(BaseModel):
    """How conversations become examples."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by_order: bool = Field(
        False, title="The first speaker is the user",
        description="In each conversation, the first speaker is the user and all others are the assistant.",
    )  # fmt: skip
    roles: dict[str, Part] = Field(default_factory=dict)
    others: Part = Field("leave", title="All others", description="The role of speakers that have no role.")
    layout: Literal["whole", "exchanges"] = Field(
        "whole",
        title="One example is",
        description="A full conversation with all turns, or each input with its answer.",
    )
    system: str = Field(
        "", max_length=20_000, title="Instructions for the model",
        description="The system message of every example. Leave empty to use the one in the log.",
        json_schema_extra={"widget": "area"},
    )  # fmt: skip
    since: float | None = Field(None, title="Started on or after")
    until: float | None = Field(None, title="Started before")
    min_quality: int = Field(
        0, ge=0, le=100, title="Minimum quality score",
        description="70: no problem was found. Good ratings and accepted corrections raise it; bad ratings, refusals, "
        "answers that were cut off and personal data lower it. 0 takes all.",
    )  # fmt: skip
    min_exchanges: int = Field(
        1, ge=1, le=1_000, title="Minimum exchanges",
        description="An exchange is an input and its answer. Shorter conversations are left out.",
    )  # fmt: skip
    max_exchanges: int | None = Field(
        None, ge=1, le=100_000, title="Maximum exchanges",
        description="Longer conversations are left out. Leave empty for any length.",
    )  # fmt: skip
    min_answer_characters: int = Field(
        1, ge=1, le=100_000, title="Shortest answer",
        description="Leave out examples whose longest answer has fewer characters than this, such as “ok”.",
        json_schema_extra={"unit": "characters"},
    )  # fmt: skip
    max_characters: int | None = Field(
        None, ge=10, le=10_000_000, title="Longest example",
        description="A token is about four characters. Leave empty for any length.",
        json_schema_extra={"unit": "characters"},
    )  # fmt: skip
    max_examples: int | None = Field(
        None, ge=1, le=10_000_000, title="Maximum examples",
        description="The first ones in the log are used. Leave empty for all.",
    )  # fmt: skip
    drop_duplicates: bool = Field(True, title="Leave out duplicates")
    redact: bool = Field(True, title="Redact personal data and secrets")
    redact_names: bool = Field(True, title="Redact the speakers' names")


@dataclass(frozen=True, slots=True)
class ChatExample:
    """One example of a conversation. `key` depends only on layout and reading; `turns` are its sources."""

    key: str
    messages: tuple[Message, ...]
    turns: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Shaped:
    """The result for one conversation: its examples, and reason -> the turns that are in none of them."""

    made: tuple[ChatExample, ...]
    left: Mapping[str, tuple[int, ...]]


def shape(conversation: Conversation, recipe: ChatRecipe) -> Shaped:
    """The examples of a conversation, before duplicates, the maximum number and the review are applied."""
    turns = conversation.turns
    if reason := _outside(conversation, recipe):
        return Shaped((), {reason: tuple(range(len(turns)))} if turns else {})
    left: dict[str, list[int]] = {}
    system, spoken = _parts(turns, recipe, left)
    blocks = _blocks(spoken, left)
    each = 2 if recipe.layout == "exchanges" else len(blocks) or 1  # blocks of one example
    made = []
    for number, exchanges in enumerate(blocks[start : start + each] for start in range(0, len(blocks), each)):
        indexes = [index for _, members in exchanges for index in members]
        messages = tuple(Message(role, "\n".join(turns[i].text for i in members)) for role, members in exchanges)  # type: ignore[arg-type]
        if reason := _refused(messages, [turns[index] for index in indexes], recipe):
            left.setdefault(reason, []).extend(indexes)
            continue
        head = recipe.system.strip() or "\n".join(turns[index].text for index in system)
        complete = (Message("system", head), *messages) if head else messages
        made.append(ChatExample(f"{conversation.id}#{number}", complete, tuple(indexes)))
    if system:  # the log's own instructions are in every example, or in none
        used = bool(made) and not recipe.system.strip()
        if used:
            made[0] = replace(made[0], turns=(*system, *made[0].turns))
        else:
            left.setdefault("instructions", []).extend(system)
    return Shaped(tuple(made), {reason: tuple(sorted(indexes)) for reason, indexes in left.items()})


def redact(messages: Iterable[Message], names: Iterable[str] = ()) -> tuple[tuple[Message, ...], int]:
    """The messages with placeholders for personal data, secrets and these names, and how many were replaced."""
    from core.data.examples import sensitive

    called = _by_first_word(tuple(names))
    out, count = [], 0
    for message in messages:
        content, found = sensitive.redact(message.content)
        count += found
        if called:
            content, found = _without_names(content, called)
            count += found
        out.append(replace(message, content=content))
    return tuple(out), count


def names_of(people: Iterable[Person]) -> Iterator[str]:
    """The names to search for in texts, without words for roles and very short ones."""
    for person in people:
        name = person.name.removesuffix(" (deleted)").strip().lstrip("@")
        if (person.role and not person.named) or person.bot or len(name) < 3 or name.endswith("(unknown)"):
            continue
        if any(character.isupper() for character in name) or " " in name or not name.isalpha():
            yield name


@lru_cache(maxsize=64)
def _by_first_word(names: tuple[str, ...]) -> dict[str, list[tuple[str, int]]]:
    """Word -> the names with this word, the longest first, and its position in the name.

    With a lookup per word, searching for thousands of names is as fast as for one.
    """
    found: dict[str, list[tuple[str, int]]] = {}
    for name in sorted(set(names), key=lambda name: (-len(name), name)):
        if first := _WORD.search(name):
            found.setdefault(first.group(), []).append((name, first.start()))
    return found


def _without_names(text: str, names: Mapping[str, list[tuple[str, int]]]) -> tuple[str, int]:
    parts: list[str] = []
    at = count = 0
    for word in _WORD.finditer(text):
        for name, offset in names.get(word.group(), ()):
            start = word.start() - offset
            end = start + len(name)
            if start < at or not text.startswith(name, start) or _WORD.match(text[end : end + 1]):
                continue
            if start and _WORD.match(text[start - 1]) and _WORD.match(name[0]):
                continue
            begin = start - 1 if start > at and text[start - 1] == "@" else start
            parts += [text[at:begin], "[NAME]"]
            at, count = end, count + 1
            break
    return ("".join([*parts, text[at:]]), count) if count else (text, 0)


def _outside(conversation: Conversation, recipe: ChatRecipe) -> str:
    if recipe.since is None and recipe.until is None:
        return ""
    began = conversation.began
    if began is None:
        return "no_time"
    early = recipe.since is not None and began < recipe.since
    return "outside_dates" if early or (recipe.until is not None and began >= recipe.until) else ""


def _parts(
    turns: tuple[Turn, ...], recipe: ChatRecipe, left: dict[str, list[int]]
) -> tuple[list[int], list[tuple[str, int]]]:
    """The turns that are instructions, and the others with their role; speakers without a role are left out."""
    system: list[int] = []
    spoken: list[tuple[str, int]] = []
    asker = ""
    for index, turn in enumerate(turns):
        part = recipe.roles.get(turn.speaker, "" if recipe.by_order else recipe.others)
        if recipe.by_order and part in ("", "user", "assistant"):
            asker = asker or turn.speaker
            part = "user" if turn.speaker == asker else "assistant"
        if part == "leave":
            left.setdefault("speaker", []).append(index)
        elif part == "system":
            if spoken:
                left.setdefault("instructions", []).append(index)
            else:
                system.append(index)
        else:
            spoken.append((part, index))
    return system, spoken


def _blocks(spoken: list[tuple[str, int]], left: dict[str, list[int]]) -> list[tuple[str, list[int]]]:
    """Consecutive turns of the same role joined, from the first input to the last answer."""
    blocks: list[tuple[str, list[int]]] = []
    for role, index in spoken:
        if blocks and blocks[-1][0] == role:
            blocks[-1][1].append(index)
        else:
            blocks.append((role, [index]))
    if blocks and blocks[0][0] == "assistant":
        left.setdefault("no_question", []).extend(blocks.pop(0)[1])
    if blocks and blocks[-1][0] == "user":
        left.setdefault("unanswered", []).extend(blocks.pop()[1])
    return blocks


def _refused(messages: tuple[Message, ...], turns: list[Turn], recipe: ChatRecipe) -> str:
    """The reason why an example does not pass the filters; "" if it does."""
    exchanges = len(messages) // 2
    if exchanges < recipe.min_exchanges and recipe.layout == "whole":
        return "too_few"
    if recipe.max_exchanges is not None and exchanges > recipe.max_exchanges:
        return "too_many"
    answers = (len(message.content.strip()) for message in messages if message.role == "assistant")
    if max(answers, default=0) < recipe.min_answer_characters:
        return "too_short"
    size = sum(len(message.content) for message in messages)
    if recipe.max_characters is not None and size > recipe.max_characters:
        return "too_long"
    return "low_quality" if recipe.min_quality and quality(messages, turns).score < recipe.min_quality else ""
