"""The examples of a chat log: their number, why others are left out, and the list to keep, edit or drop each one."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from core import arguments
from core.data.chat_logs import ReadOptions, shaping
from core.data.chat_logs.quality import UNRATED as UNRATED, ChatQuality, quality
from core.data.chat_logs.shaping import ChatExample, ChatRecipe, Part
from core.data.examples.identity import identity_of
from core.data.quality import structure
from core.errors import DataError
from core.messages import Message
from core.services.data.chat_import import reading as chat_reading, stored
from core.services.data.chat_import.reading import ChatSummary, Talk

KEEP, EDIT, DROP = "keep", "edit", "drop"


@dataclass(frozen=True, slots=True)
class Choices:
    """The choices in a draft."""

    source_id: str
    options: ReadOptions
    recipe: ChatRecipe
    decisions: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """The expected result of an import: `messages = used + left out`, every message counted once.

    Attributes:
        examples: before the review; `dropped` and `edited` count the user's decisions.
        decided: examples that were reviewed (kept, edited or dropped).
        stale: decisions on examples that no longer exist with the current choices.
        left: reason -> messages, reading's reasons included.
    """

    conversations: int
    messages: int
    used: int
    examples: int
    imported: int
    decided: int
    edited: int
    dropped: int
    stale: int
    left: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """One example as it will be imported. `redactions` counts placeholders; `decision` is "", keep, edit or drop;
    `quality` is that of the conversation as it is in the log."""

    key: str
    number: int
    title: str
    began: float | None
    place: str
    line: int
    messages: tuple[Message, ...]
    redactions: int
    decision: str
    turns: int
    quality: ChatQuality

    def contains(self, text: str) -> bool:
        """Whether the title or a message has this text, which is in lower case."""
        return any(text in part.lower() for part in (self.title, *(message.content for message in self.messages)))


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """One page of the review, and the total number of examples."""

    items: list[ReviewItem]
    total: int


@dataclass(slots=True)
class _Index:
    """For each example the offset of its conversation in the file, and its number there."""

    keys: list[str] = field(default_factory=list)
    places: array[int] = field(default_factory=lambda: array("q"))
    numbers: array[int] = field(default_factory=lambda: array("l"))
    turns: array[int] = field(default_factory=lambda: array("l"))
    left: Counter[str] = field(default_factory=Counter)


def choices(state: Mapping[str, Any]) -> Choices:
    """The choices in a draft's state or a task's payload.

    Raises:
        DataError: a choice is invalid; names the field.
    """
    state = arguments.mapping(state, "state")
    options = chat_reading.options_of(state.get("reading") or {})
    try:
        recipe = ChatRecipe(**arguments.mapping(state.get("recipe"), "recipe"))
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        title = ChatRecipe.model_fields[name].title if name in ChatRecipe.model_fields else name
        raise DataError(f"{title}: {first['msg']}.", "Correct it.", field=name) from error
    decisions = arguments.mapping(state.get("decisions"), "decisions")
    return Choices(str(state.get("source_id") or ""), options, recipe, decisions)


def suggested(source_id: str, found: ChatSummary) -> dict[str, Any]:
    """The initial recipe: the log's own roles, or the first speaker as the user if it has none."""
    log = stored.log_format(source_id)
    roles: dict[str, Part] = {}
    for speaker in found.speakers:
        if speaker.role in log.event_roles:
            roles[speaker.id] = "leave"
        elif speaker.role in ("user", "assistant", "system"):
            roles[speaker.id] = speaker.role  # type: ignore[assignment]
        elif speaker.role or speaker.bot:
            roles[speaker.id] = "leave"
    parts = set(roles.values())
    by_order = log.asker or not {"user", "assistant"} <= parts
    others: Part = "leave"
    if by_order and parts & {"user", "assistant"} and not log.asker:
        # One side has a role ("agent"), the others are customers by name: they get the other role.
        by_order, others = False, "assistant" if "user" in parts else "user"
    elif not by_order and found.speakers_total > len(found.speakers):
        # Speakers beyond the list have the role of most of those in it: customers, where each writes a few messages.
        others = "user" if sum(part == "user" for part in roles.values()) * 2 > len(roles) else "leave"
    return {"by_order": by_order, "roles": roles, "others": others}


def plan(chosen: Choices) -> ImportPlan:
    """The number of examples with these choices, and why the other messages are in none."""
    found = chat_reading.summary(chosen.source_id, chosen.options)
    index = _index(chosen)
    left = Counter(found.left) + index.left
    counts: Counter[str] = Counter()
    for key, turns in zip(index.keys, index.turns, strict=True):
        decision = _word(chosen.decisions.get(key))
        counts[decision] += 1
        if decision == DROP:
            left["dropped"] += turns
    dropped, decided = counts[DROP], counts[KEEP] + counts[EDIT] + counts[DROP]
    return ImportPlan(
        conversations=found.conversations,
        messages=found.messages,
        used=found.messages - left.total(),
        examples=len(index.keys),
        imported=len(index.keys) - dropped,
        decided=decided,
        edited=counts[EDIT],
        dropped=dropped,
        stale=len(chosen.decisions) - decided,
        left=dict(left.most_common()),
    )


def page(chosen: Choices, offset: int = 0, limit: int = 10, show: str = "all", search: str = "") -> ReviewPage:
    """One page of the examples, as they will be imported.

    Args:
        show: all, new (not reviewed yet), keep, edit or drop.
        search: only examples that contain this text; case is ignored.
    """
    index = _index(chosen)
    numbers = [number for number, key in enumerate(index.keys) if _shown(chosen, key, show)]
    if search.strip():
        found = [item for item in _items(chosen, index, numbers) if item.contains(search.strip().lower())]
        return ReviewPage(found[offset : offset + limit], len(found))
    return ReviewPage(list(_items(chosen, index, numbers[offset : offset + limit])), len(numbers))


def checked_edit(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """An edited example as it is stored in a decision.

    Raises:
        DataError: the example is not valid; says why.
    """
    checked = structure.parse(messages)
    if checked.example is None:
        first = next(item for item in checked.findings if item.severity == "error")
        raise DataError(first.message, first.remedy, field=first.field)
    return [message.to_dict() for message in checked.example.messages]


@dataclass(frozen=True, slots=True)
class ImportStep:
    """One result while going through the log: an example, or turns left out."""

    talk: Talk
    place: int
    made: ChatExample | None
    reason: str
    turns: tuple[int, ...]


def steps(path: Path, recipe: ChatRecipe) -> Iterator[ImportStep]:
    """Every example in the order of the log, and every turn that is in none of them."""
    seen: set[bytes] = set()
    count = 0
    with path.open("rb") as stream:
        place = 0
        for line in stream:
            talk = chat_reading.talk(line)
            shaped = shaping.shape(talk.conversation, recipe)
            for reason, turns in shaped.left.items():
                yield ImportStep(talk, place, None, reason, turns)
            for made in shaped.made:
                reason = ""
                if recipe.drop_duplicates:
                    mark = identity_of(made.messages)
                    reason = "duplicate" if mark in seen else ""
                    seen.add(mark)
                if not reason and recipe.max_examples is not None and count >= recipe.max_examples:
                    reason = "over_maximum"
                count += not reason
                yield ImportStep(talk, place, None if reason else made, reason, made.turns)
            place += len(line)


def final(made: ChatExample, talk: Talk, chosen: Choices) -> tuple[tuple[Message, ...], int]:
    """An example as it is imported: as edited, else redacted as the recipe says, and the number of redactions."""
    decision = chosen.decisions.get(made.key) or {}
    if _word(decision) == EDIT:
        return tuple(Message.from_dict(item) for item in decision["messages"]), 0
    if not chosen.recipe.redact:
        return made.messages, 0
    return shaping.redact(made.messages, talk.names if chosen.recipe.redact_names else ())


def _index(chosen: Choices) -> _Index:
    path = chat_reading.talks(chosen.source_id, chosen.options)
    # Redaction does not change the set of examples, so it is not part of the key.
    return _indexed(path, chosen.recipe.model_copy(update={"redact": True, "redact_names": True}).model_dump_json())


@lru_cache(maxsize=8)
def _indexed(path: Path, recipe: str) -> _Index:
    index = _Index()
    for step in steps(path, ChatRecipe.model_validate_json(recipe)):
        if step.made is None:
            index.left[step.reason] += len(step.turns)
        else:
            index.keys.append(step.made.key)
            index.places.append(step.place)
            index.numbers.append(int(step.made.key.rpartition("#")[2]))
            index.turns.append(len(step.turns))
    return index


def _items(chosen: Choices, index: _Index, numbers: list[int]) -> Iterator[ReviewItem]:
    if not numbers:
        return
    with chat_reading.talks(chosen.source_id, chosen.options).open("rb") as stream:
        for number in numbers:
            stream.seek(index.places[number])
            talk = chat_reading.talk(stream.readline())
            made = next(
                item for item in shaping.shape(talk.conversation, chosen.recipe).made if item.key == index.keys[number]
            )
            messages, redactions = final(made, talk, chosen)
            first = talk.conversation.turns[made.turns[0]]
            yield ReviewItem(
                key=made.key,
                number=number,
                title=talk.conversation.title,
                began=first.at,
                place=talk.conversation.place,
                line=first.line,
                messages=messages,
                redactions=redactions,
                decision=_word(chosen.decisions.get(made.key)),
                turns=len(made.turns),
                quality=quality(made.messages, [talk.conversation.turns[index] for index in made.turns]),
            )


def _shown(chosen: Choices, key: str, show: str) -> bool:
    decision = _word(chosen.decisions.get(key))
    return show == "all" or decision == ("" if show == "new" else show)


def _word(decision: Mapping[str, Any] | None) -> str:
    word = (decision or {}).get("do")
    return word if word in (KEEP, EDIT, DROP) else ""
