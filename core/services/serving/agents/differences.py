"""What differs between two versions of an agent, field by field, in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.services.serving.agents import reading
from core.serving.agents import AgentRecord, AgentSettings, AgentVersionRecord


@dataclass(frozen=True, slots=True)
class AgentDifference:
    """A field with its two values as text; "" for nothing."""

    field: str
    title: str
    before: str
    after: str


def diff(agent: AgentRecord, before: int, after: int) -> list[AgentDifference]:
    """What changed from one version to another. Raises NotFound."""
    return differences(reading.get_version(agent, before), reading.get_version(agent, after))


def differences(before: AgentVersionRecord, after: AgentVersionRecord) -> list[AgentDifference]:
    """The same for versions that were read already; the parts are in the order of the form."""
    old, new = _texts(before), _texts(after)
    return [
        AgentDifference(field, title, old[field][1], text)
        for field, (title, text) in new.items()
        if old[field][1] != text
    ]


def _texts(version: AgentVersionRecord) -> dict[str, tuple[str, str]]:
    title: Callable[[str], str] = reading.model_title
    split = version.split
    found = {
        "system": ("System message", version.system),
        "model": ("Model", title(version.model_id)),
        "fallback": ("Fallback model", title(version.fallback_model_id) if version.fallback_model_id else ""),
        "split": ("Split", f"{split.share * 100:g}% to {title(split.model_id)}" if split else ""),
        "starters": ("Starters", "\n".join(version.starters)),
    }
    for name, field in AgentSettings.model_fields.items():
        found[name] = (field.title or name, _plain(getattr(version.settings, name)))
    return found


def _plain(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(repr, value))
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
