"""The models that an agent had, one after the other, with their scores."""

from __future__ import annotations

from dataclasses import dataclass

from core.services.serving import agents
from core.services.serving.agents import AgentRecord
from core.services.training import models
from core.training.metrics import final_loss_text


@dataclass(frozen=True, slots=True)
class AgentGeneration:
    """A model of an agent. `score` is its best known figure, in words; `since` is the version that it came with."""

    model_id: str
    title: str
    score: str
    since: int
    answers_now: bool


def generations(agent: AgentRecord) -> tuple[AgentGeneration, ...]:
    """Each model at the version in which it first answered, the first one at the front."""
    first: dict[str, int] = {}
    for version in reversed(agents.versions(agent.id)):
        first.setdefault(version.model_id, version.number)
    known = {one.id: one for one in models.list_models(include_archived=True)}
    tuned = {name: known.get(name.removesuffix(":merged")) for name in first}
    scores = models.scores_of([one for one in tuned.values() if one])
    found = []
    for name, number in first.items():
        model = tuned[name]
        measured = next(iter(scores[model.id]), None) if model else None
        said = ""
        if model is not None:
            said = f"{measured.title} {measured.tuned.text}" if measured else final_loss_text(model.final_loss)
        title = model.name if model else agents.model_title(name)
        found.append(AgentGeneration(name, title, said, number, name == agent.version.model_id))
    return tuple(found)
