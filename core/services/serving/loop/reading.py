"""The round that an agent is in: each step is done, running or open, as the database says now."""

from __future__ import annotations

from core.errors import NotFound
from core.services.serving import agents, feedback
from core.services.serving.agents import AgentRecord
from core.services.serving.evaluating import DECISIONS, verdicts
from core.services.serving.loop import found
from core.services.serving.loop.records import LoopStep, Round, StepState
from core.services.training import models
from core.services.training.models import ModelRecord
from core.text import plural

_MERGED = ":merged"
_MOVING = ("pending", "validating", "queued", "running", "paused")


def of_agent(agent: AgentRecord) -> Round:
    """The round of the model that answers now. Until that one is corrected, the round that led to it, which is done."""
    named = agent.version.model_id
    earlier = _earlier(agent, named)
    return _round(agent, earlier or named)


def _earlier(agent: AgentRecord, named: str) -> str:
    """The model that the agent had before, which the present one was retrained from; "" once that is corrected."""
    present = _registered(named)
    if present is None or present.job_deleted or any(feedback.counts(agent.id, named).values()):
        return ""
    for version in agents.versions(agent.id):
        before = _registered(version.model_id)
        if before is not None and before.id != present.id and _follows(present, before):
            return version.model_id
    return ""


def _follows(model: ModelRecord, before: ModelRecord) -> bool:
    from core.services.training import jobs

    try:
        return jobs.get_job(model.job_id).parent_job_id == before.job_id
    except NotFound:
        return False


def _registered(named: str) -> ModelRecord | None:
    """The record of a fine-tuned model; None for a base, or one behind a connection."""
    try:
        return models.get_model(named.removesuffix(_MERGED))
    except NotFound:
        return None


def _round(agent: AgentRecord, parent: str) -> Round:
    model = _registered(parent)
    job = model.job_id if model and not model.job_deleted else ""
    own_data = model.dataset_id if model and not model.dataset_deleted else ""
    corrections, accepted = _corrections(agent, parent)
    dataset, gathered = _dataset(agent, parent, accepted)
    mixed, mix = _mix(dataset, own_data)
    trained = found.job_of(mixed, job, parent) if mixed else None
    candidate = trained.model_id if trained else ""
    steps = (corrections, gathered, mix, _training(trained, mixed), *_judged(agent, candidate, parent))
    title = model.name if model else agents.model_title(parent)
    return Round(parent, title, steps, job, own_data, dataset, mixed, candidate)


def _judged(agent: AgentRecord, candidate: str, parent: str) -> tuple[LoopStep, ...]:
    """Evaluation, verdict and deployment of the new model."""
    compared = found.evaluation_of(candidate, parent) if candidate else None
    verdict = verdicts.between(candidate, parent) if candidate else None
    uses = bool(candidate) and agent.version.uses(candidate)
    state: StepState = "open"
    text = "The new model and its parent answer the same examples"
    if compared is not None:
        state = "done" if compared.summary else "running" if compared.state in _MOVING else "open"
        text = compared.name if compared.summary else f"{compared.name}: {compared.state}"
    said = DECISIONS[verdict.decision] if verdict else "Ship or don't ship, with the reasons"
    deployed = f"Answers since version {agent.version.number}" if uses else "One click takes it back"
    return (
        LoopStep(
            "evaluate",
            "Evaluate it against its parent",
            state,
            text,
            can_start=bool(candidate),
            ref=compared.id if compared else "",
        ),
        LoopStep(
            "verdict",
            "Read the verdict",
            "done" if verdict else "open",
            said,
            ref=verdict.evaluation_id if verdict else "",
        ),
        LoopStep("deploy", "Deploy it", "done" if uses else "open", deployed, can_start=bool(candidate)),
    )


def _corrections(agent: AgentRecord, parent: str) -> tuple[LoopStep, int]:
    counts = feedback.counts(agent.id, parent)
    accepted, every = counts["accepted"], sum(counts.values())
    text = f"{accepted:,} accepted, {counts['new']:,} to review" if every else "Rate and correct its answers in Chat"
    state: StepState = "done" if accepted else "open"
    return LoopStep("corrections", "Collect corrections", state, text, can_start=bool(every)), accepted


def _dataset(agent: AgentRecord, parent: str, accepted: int) -> tuple[str, LoopStep]:
    """The dataset that was last made of these corrections, and the step."""
    made = feedback.datasets_made(agent.id, parent)
    waiting = feedback.waiting(agent.id, parent)
    title = "Make dataset from feedback"
    if not made:
        text = f"{plural(accepted, 'accepted correction')}" if accepted else "Labeled examples and preference pairs"
        return "", LoopStep("dataset", title, "open", text, bool(waiting))
    more = f"; {plural(waiting, 'correction')} not in it yet" if waiting else ""
    text = f"{found.name_of(made[0])}{more}"
    return made[0], LoopStep("dataset", title, "done", text, bool(waiting), made[0])


def _mix(dataset: str, own_data: str) -> tuple[str, LoopStep]:
    """The dataset that the next model is trained on, and the step that mixes it."""
    title = "Mix with what it was trained on"
    if not dataset:
        return "", LoopStep("mix", title, "open", "So that it does not forget the rest")
    if not own_data or own_data == dataset:
        text = "Part of that dataset" if own_data else "Nothing to mix: its dataset was deleted, or it is a base model"
        return dataset, LoopStep("mix", title, "done", text, ref=dataset)
    mixed, name = found.mix_of(dataset, own_data)
    if mixed:
        return mixed, LoopStep("mix", title, "done", name, can_start=True, ref=mixed)
    return "", LoopStep("mix", title, "open", f"With {found.name_of(own_data)}", can_start=True)


def _training(job: found.FoundJob | None, mixed: str) -> LoopStep:
    title = "Retrain with its settings"
    if job is None:
        return LoopStep("retrain", title, "open", "The parent's method and parameters, on the new dataset", bool(mixed))
    if job.model_id:
        return LoopStep("retrain", title, "done", job.model_name, can_start=True, ref=job.id)
    state: StepState = "running" if job.state in _MOVING else "open"
    text = f"{job.name}: {job.progress:.0f}%" if state == "running" else f"{job.name}: {job.state}"
    return LoopStep("retrain", title, state, text, can_start=True, ref=job.id)
