"""What a user enters for an agent, checked and turned into what its rows hold."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypedDict

from pydantic import ValidationError

from core import arguments
from core.errors import Conflict, NotFound, SettingsError
from core.services.serving import chat, served
from core.serving.agents import (
    LONGEST_STARTER,
    LONGEST_SYSTEM,
    MOST_STARTERS,
    AgentSettings,
    AgentVersionRecord,
)
from core.text import slug

MAX_NAME: Final = 80
MAX_HANDLE: Final = 60
MAX_DESCRIPTION, MAX_NOTE = 2_000, 2_000
SMALLEST_SHARE: Final = 0.01
_HANDLE: Final = re.compile(r"[a-z0-9][a-z0-9._-]*")


class AgentChanges(TypedDict, total=False):
    """What can be changed of an agent; what is left out remains.

    A model is given by its id, name or slug; "" removes the fallback. `split` is a second model with its share of the
    conversations; None ends a split.
    """

    name: str
    handle: str
    description: str
    system: str
    model: str
    settings: Mapping[str, Any]
    fallback: str
    starters: Sequence[str]
    split: tuple[str, float] | None


def own_values(changes: AgentChanges) -> dict[str, str]:
    """The values of the agent itself. Raises SettingsError of the field that is wrong."""
    values = {}
    if "name" in changes:
        values["name"] = _name(changes["name"])
    if "handle" in changes:
        values["handle"] = _handle(changes["handle"])
    if "description" in changes:
        values["description"] = _text(changes["description"], "description", MAX_DESCRIPTION)
    return values


def content(changes: AgentChanges, before: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a version, from that of the one before it.

    Raises:
        SettingsError: of the field that is wrong. NotFound, Conflict: a model cannot answer; says why.
    """
    found = dict(before)
    if "system" in changes:
        found["system"] = _text(changes["system"], "system", LONGEST_SYSTEM)
    if "model" in changes:
        found["model_id"] = _model(changes["model"], "model")
    if "fallback" in changes:
        found["fallback_model_id"] = _model(changes["fallback"], "fallback") if changes["fallback"] else ""
    if "settings" in changes:
        found["settings"] = _settings(changes["settings"])
    if "starters" in changes:
        found["starters"] = _starters(changes["starters"])
    if "split" in changes:
        found["split"] = _split(*changes["split"]) if changes["split"] else {}
    if found["fallback_model_id"] == found["model_id"]:
        text = "The fallback is the agent's own model."
        raise SettingsError(text, "Choose another model that answers when this one cannot.", field="fallback")
    if found["split"] and found["split"]["model_id"] == found["model_id"]:
        raise SettingsError("Both sides of the split are the same model.", "Choose another one.", field="split_model")
    return found


def model_id(typed: str) -> str:
    """The id of a model that can answer. Raises NotFound, Conflict."""
    return chat.identity(served.find(typed)).id


def empty() -> dict[str, Any]:
    """The content before the first version."""
    settings = AgentSettings().model_dump(mode="json")
    return {
        "system": "",
        "model_id": "",
        "settings": settings,
        "fallback_model_id": "",
        "starters": [],
        "split": {},
    }


def free_handle(name: str, taken: set[str]) -> str:
    """The handle that a name suggests, with a number where it is taken."""
    plain = re.sub(r"[^a-z0-9._-]+", "-", slug(name)).strip("-._")[: MAX_HANDLE - 4].strip("-._") or "agent"
    numbered = (plain if number == 1 else f"{plain}-{number}" for number in range(1, len(taken) + 2))
    return next(handle for handle in numbered if handle not in taken)


def note(text: str) -> str:
    """A note of a version. Raises SettingsError."""
    return _text(text, "note", MAX_NOTE)


def still_answers(version: AgentVersionRecord) -> None:
    """Raises SettingsError where a model of a version can no longer answer, so that it is not brought back."""
    for field, named in zip(("model", "split_model", "fallback"), _named(version), strict=True):
        if named:
            _model(named, field)


def _named(version: AgentVersionRecord) -> tuple[str, str, str]:
    return version.model_id, version.split.model_id if version.split else "", version.fallback_model_id


def _name(text: str) -> str:
    clean = " ".join(arguments.whole(text).split())
    if not 1 <= len(clean) <= MAX_NAME or not clean.isprintable():
        text = f"An agent needs a name of 1 to {MAX_NAME} visible characters."
        raise SettingsError(text, "Name what it does, such as “Support”.", field="name")
    return clean


def _handle(text: str) -> str:
    if len(text) > MAX_HANDLE or not _HANDLE.fullmatch(text):
        raise SettingsError(
            f"{arguments.whole(text)[:MAX_HANDLE]!r} cannot be a handle.",
            f"Use 1 to {MAX_HANDLE} lower-case letters, digits, hyphens, dots or underscores, such as support.",
            field="handle",
        )
    return text


def _text(value: str, field: str, longest: int) -> str:
    clean = arguments.whole(value).strip()
    if len(clean) > longest:
        raise SettingsError(f"The {field} has {len(clean):,} characters; the limit is {longest:,}.", field=field)
    return clean


def _model(typed: str, field: str) -> str:
    if not typed.strip():
        raise SettingsError("An agent needs a model.", "Choose the model that answers.", field=field)
    try:
        return model_id(typed)
    except (NotFound, Conflict) as error:
        raise SettingsError(error.message, error.remedy, field=field) from error


def _settings(given: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return AgentSettings.model_validate(dict(given)).model_dump(mode="json")
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "settings"
        known = AgentSettings.model_fields.get(name)
        if known is None:
            names = ", ".join(AgentSettings.model_fields)
            raise SettingsError(f"Unknown setting {name!r}.", f"Choose from: {names}.", field="settings") from error
        title = known.title or name
        raise SettingsError(f"{title}: {first['msg']}; got {first['input']!r}.", field=name) from error


def _starters(given: Sequence[str]) -> list[str]:
    texts = [clean for text in arguments.texts(given, "starters") if (clean := text.strip())]
    if len(texts) > MOST_STARTERS:
        raise SettingsError(f"An agent has at most {MOST_STARTERS} starters; got {len(texts)}.", field="starters")
    long = next((text for text in texts if len(text) > LONGEST_STARTER), "")
    if long:
        text = f"The starter “{long[:40]}…” has {len(long):,} characters; the limit is {LONGEST_STARTER}."
        raise SettingsError(text, "Shorten it.", field="starters")
    return list(dict.fromkeys(texts))


def _split(typed: str, share: float) -> dict[str, Any]:
    if not SMALLEST_SHARE <= share <= 1 - SMALLEST_SHARE:
        raise SettingsError(
            f"The share of the second model must be between 1% and 99%; got {share * 100:g}%.",
            "Without a split, one model answers every conversation.",
            field="split_share",
        )
    return {"model_id": _model(typed, "split_model"), "share": round(float(share), 4)}
