"""Begin an evaluation: check the choice, and create its row and its task together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from core.errors import DataError
from core.ids import new_id
from core.messages import SPLITS
from core.platform.db.tables import Evaluation
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import store as task_store
from core.platform.tasks.announce import announce
from core.platform.tasks.results import TaskResult
from core.services.data import datasets
from core.services.platform import budgets
from core.services.serving.evaluating import contestants, costs, judging, questions
from core.serving.evaluation import EVALUATION_METRICS
from core.serving.evaluation.custom import MOST, metric_of
from core.serving.evaluation.suites import SUITES
from core.serving.evaluations import store
from core.serving.evaluations.records import Contestant, EvaluationRecord, EvaluationSettings
from core.text import plural

KIND: Final = "evaluation"
MOST_REPEATS: Final = 5
MOST_TOKENS: Final = 4_096
LONGEST_NAME: Final = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationResult(TaskResult):
    """Of an evaluation; `answers` were generated, `decision` is the verdict's or ""."""

    evaluation_id: str
    dataset_id: str
    answers: int
    decision: str = ""


def start(
    models: Sequence[str],
    version_id: str,
    *,
    split: str = "test",
    metrics: Sequence[str] = (),
    settings: EvaluationSettings | Mapping[str, Any] | None = None,
    name: str = "",
) -> EvaluationRecord:
    """Ask models the examples of a dataset version, as a background task.

    Args:
        models: as `contestants.find` takes them.
        split: "" for every example.
        metrics: ids; empty for the default ones.

    Raises:
        NotFound: a model, the version, a metric or a suite does not exist. DataError: a value is out of range.
        BudgetReached: a budget does not cover what models behind connections may cost.
    """
    found, chosen = _chosen(models, settings)
    _check(split, metrics, chosen)
    return create(found, version_id, split, metrics, chosen, name=name)


def create(
    found: Sequence[Contestant],
    version_id: str,
    split: str,
    metrics: Sequence[str],
    settings: EvaluationSettings,
    *,
    name: str = "",
    title: str = "",
    job_id: str = "",
    after_task_id: str | None = None,
) -> EvaluationRecord:
    """Create the row and the task of an evaluation whose choices were checked.

    Args:
        title: of the task.
        job_id: of the one-click test of this job's model, of which there is one at a time: a running one is returned.
        after_task_id: of the task that it waits for; the model of its job need not exist before.
    """
    version = datasets.get_version(version_id)
    dataset = datasets.get_dataset(version.dataset_id)
    row = Evaluation(
        id=new_id("eval"),
        name=name.strip()[:LONGEST_NAME] or _name(found, settings.against, dataset.name),
        dataset_id=dataset.id,
        dataset_name=dataset.name,
        dataset_version_id=version_id,
        split=split,
        models=[asdict(model) for model in found],
        metrics=list(metrics) or [metric.id for metric in EVALUATION_METRICS if metric.default],
        settings=settings.to_dict(),
    )
    paid = costs.paid(found, version_id, split, settings)
    payload = {
        "evaluation_id": row.id,
        "dataset_id": dataset.id,
        "dataset_version_id": version_id,
        "model_ids": [own for model in found if (own := contestants.registered_id(model.id))],
    }
    with UnitOfWork() as uow:
        task = task_store.create_or_join(
            uow,
            kind=KIND,
            title=title or f"Evaluate {row.name}",
            payload=payload | ({"job_id": job_id} if job_id else {}),
            key=f"test:{job_id}" if job_id else row.id,
            after_task_id=after_task_id,
        )
        if task.payload["evaluation_id"] == row.id:
            budgets.reserve_for(uow, paid, task.id, task.title)
            row.task_id = task.id
            store.create(uow, row)
        uow.commit()
    announce(task.id)
    return store.get(task.payload["evaluation_id"])


def estimate(
    models: Sequence[str],
    version_id: str,
    *,
    split: str = "test",
    settings: EvaluationSettings | Mapping[str, Any] | None = None,
) -> costs.EvaluationCost:
    """The range of what an evaluation costs, in US dollars, without asking a model; arguments as of `start`.

    Raises:
        NotFound: a model or the version does not exist. DataError: a value is out of range, or there is nothing to ask.
    """
    found, chosen = _chosen(models, settings)
    _check(split, (), chosen)
    return costs.estimate(found, version_id, split, chosen)


def unasked(
    models: Sequence[str],
    version_id: str,
    *,
    split: str = "test",
    settings: EvaluationSettings | Mapping[str, Any] | None = None,
) -> str:
    """Which examples these models cannot be asked, and why, before it starts; "" for none. Arguments as of `start`.

    Raises:
        NotFound: a model or the version does not exist. DataError: nothing can be asked.
    """
    found, chosen = _chosen(models, settings)
    reasons = questions.unasked(version_id, split, chosen.limit, found)
    return " ".join(f"{plural(one.count, 'example')} will be left out: {one.text}." for one in reasons)


def _chosen(
    models: Sequence[str], settings: EvaluationSettings | Mapping[str, Any] | None
) -> tuple[tuple[Contestant, ...], EvaluationSettings]:
    """The models with the one that they are compared with, and the settings with resolved ids."""
    chosen = settings if isinstance(settings, EvaluationSettings) else EvaluationSettings.of(settings or {})
    found = contestants.find_all([*models, chosen.against] if chosen.against else models)
    if chosen.against:
        chosen = replace(chosen, against=contestants.find(chosen.against).id)
        if len(found) < 2:
            text = "A model cannot be compared with itself."
            raise DataError(text, "Choose another model to compare with.", field="against")
    if chosen.judge:
        chosen = replace(chosen, judge=_judge(chosen))
    return found, chosen


def _judge(settings: EvaluationSettings) -> dict[str, str]:
    """The judge with its title, and its rubric. Raises NotFound, DataError."""
    if not settings.against:
        text = "A judge compares answers with those of another model."
        raise DataError(text, "Choose a model to compare with.", field="against")
    rubric = str(settings.judge.get("rubric") or judging.RUBRIC).strip()
    if len(rubric) > judging.LONGEST_RUBRIC:
        raise DataError(f"A rubric has at most {judging.LONGEST_RUBRIC:,} characters.", "Shorten it.", field="rubric")
    judge = contestants.find(str(settings.judge.get("model", "")))
    return {"model": judge.id, "title": judge.title, "kind": judge.kind, "rubric": rubric}


def _name(found: Sequence[Contestant], against: str, dataset: str) -> str:
    """What is evaluated, as a name: the first model, the one that it is compared with, and the dataset."""
    titles = [model.title for model in found if model.id != against]
    models = f"“{titles[0]}”" if len(titles) == 1 else f"“{titles[0]}” and {plural(len(titles) - 1, 'other')}"
    parent = next((f" against “{model.title}”" for model in found if model.id == against), "")
    return f"{models}{parent} on “{dataset}”"[:LONGEST_NAME]


def _check(split: str, metrics: Sequence[str], settings: EvaluationSettings) -> None:
    if split and split not in SPLITS:
        raise DataError(f"Unknown split: {split!r}.", f"Choose one of: {', '.join(SPLITS)}.", field="split")
    for metric in (*metrics, *([settings.main] if settings.main else ())):
        EVALUATION_METRICS.get(metric)
    named = [metric_of(definition).id for definition in settings.custom]
    if len(named) > MOST or len(set(named)) < len(named):
        raise DataError(f"An evaluation has at most {MOST} custom metrics with different names.", field="custom")
    for suite in settings.suites:
        SUITES.get(suite)
    _between("limit", settings.limit, 1, 1_000_000)
    _between("max_tokens", settings.max_tokens, 1, MOST_TOKENS)
    _between("temperature", settings.temperature, 0, 2)
    _between("repeats", settings.repeats, 1, MOST_REPEATS)


def _between(field: str, value: float | None, low: float, high: float) -> None:
    if value is not None and not low <= value <= high:
        raise DataError(f"`{field}` must be {low:g} to {high:g}; got {value:g}.", field=field)
