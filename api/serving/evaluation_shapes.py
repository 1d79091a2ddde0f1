"""Evaluations as the API shows them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from api.platform.records import Shown
from core.services.serving.evaluating import EvaluationSettings


class ContestantShown(Shown):
    """A model of an evaluation; `kind` is base, tuned or connection."""

    id: str
    title: str
    kind: str


class ScoreShown(Shown):
    """A figure; `text` has its unit, `right` is the count where it is one."""

    metric: str
    title: str
    value: float
    unit: str
    text: str
    total: int
    right: int | None
    direction: str


class ModelScoreShown(Shown):
    """A figure of a tuned model, and its base's where that was asked the same; `main` is the score of the model."""

    title: str
    tuned: ScoreShown
    base: ScoreShown | None
    main: bool
    part: str = Field(description='the source of the examples; "" for all')
    evaluation_id: str


class ModelSummaryShown(Shown):
    """The figures of one model; `suites` is {guard suite: [passed, items]}, `parts` {split or source: figures}."""

    model_id: str
    scores: list[ScoreShown]
    suites: dict[str, tuple[int, int]]
    answered: int
    failed: int
    noise: float | None
    parts: dict[str, list[ScoreShown]]


class LeftOutShown(Shown):
    """Examples that were not asked; `code` is no_output or tools."""

    code: str
    count: int
    text: str


class SummaryShown(Shown):
    """What came out; `main` is the metric of the verdict and of the leaderboard."""

    main: str
    models: list[ModelSummaryShown]
    left_out: int = Field(description="examples that were not asked")
    left_out_reasons: list[LeftOutShown]
    given_up: list[str] = Field(description="why a custom metric has no figure")
    schema_version: int


class EvaluationShown(Shown):
    """An evaluation; `state` is that of its task, `summary` null until it ended."""

    id: str
    task_id: str
    name: str
    state: str
    dataset_id: str
    dataset_name: str
    dataset_version_id: str
    split: str = Field(description='"" for every example')
    models: list[ContestantShown]
    metrics: list[str]
    settings: EvaluationSettings
    summary: SummaryShown | None
    created_at: float
    archived_at: float | None


class CustomMetric(BaseModel):
    """A metric of one evaluation: a regular expression, a JSON schema, or a file with a Python function."""

    kind: str = Field(max_length=20, description="regex, schema or function")
    name: str = Field(min_length=1, max_length=60)
    body: str = Field(min_length=1, max_length=20_000)


class NewEvaluation(BaseModel):
    """What to evaluate. With `against`, each model gets a verdict."""

    models: list[str] = Field(min_length=1, max_length=8, description="names or ids, or CONNECTION/MODEL")
    dataset: str = Field(min_length=1, max_length=200, description="name or id; its newest version is asked")
    split: str = Field(default="test", max_length=20, description="test, validation, train, or all")
    metrics: list[str] = Field(default_factory=list, max_length=50, description="ids; left out: the usual ones")
    name: str = Field(default="", max_length=120)
    against: str = Field(default="", max_length=500, description="the model that the others are compared with")
    suites: list[str] = Field(default_factory=list, max_length=20, description="ids of guard suites")
    repeats: int = Field(default=2, ge=1, le=5, description="how often `against` answers, to measure its noise")
    limit: int | None = Field(default=None, ge=1, le=1_000_000)
    max_tokens: int | None = Field(default=None, ge=1, le=4_096)
    temperature: float = Field(default=0.0, ge=0, le=2)
    main: str = Field(default="", max_length=60, description="the metric that decides")

    judge: str = Field(default="", max_length=500, description="a model that compares each pair of answers")
    rubric: str = Field(default="", max_length=4_000)
    custom: list[CustomMetric] = Field(default_factory=list, max_length=8)

    def settings(self) -> EvaluationSettings:
        """As the service takes them."""
        return EvaluationSettings(
            limit=self.limit, max_tokens=self.max_tokens, temperature=self.temperature, against=self.against,
            suites=tuple(self.suites), repeats=self.repeats if self.against else 1, main=self.main,
            custom=tuple(one.model_dump() for one in self.custom),
            judge={"model": self.judge, "rubric": self.rubric} if self.judge else {},
        )  # fmt: skip


class ReasonShown(Shown):
    about: str
    ok: bool | None
    text: str
    before: float
    after: float


class VerdictShown(Shown):
    """Whether a model may replace another one: `decision` is ship, dont_ship or no_difference."""

    id: str
    candidate_id: str
    parent_id: str
    evaluation_id: str
    decision: str
    reasons: list[ReasonShown]
    override: dict[str, Any]
    created_at: float


class JudgedShown(Shown):
    """Pairs that a judge compared; `biased` names the side that it prefers, or is empty."""

    wins: int
    ties: int
    losses: int
    disagreed: int
    win_rate: float
    biased: str


class CalibrationShown(Shown):
    """The judge against people; tau and kappa say little below 20 ratings (`enough`)."""

    ratings: int
    tau: float | None
    kappa: float | None
    enough: bool


class JudgmentShown(BaseModel):
    """A judge's result about one model."""

    candidate_id: str
    judged: JudgedShown | None
    calibration: CalibrationShown


class CaseAnswer(Shown):
    model_id: str
    answer: str
    error: str
    tokens: int
    seconds: float
    scores: dict[str, float]


class CaseShown(BaseModel):
    """One question with the answers of every model; `value` is the one that it is sorted by."""

    position: int
    input: str
    expected: str
    value: float
    answers: list[CaseAnswer]


class CasePage(BaseModel):
    data: list[CaseShown]
    total: int


class BoardRowShown(Shown):
    model_id: str
    title: str
    score: ScoreShown
    seconds: float | None
    evaluation_id: str
    evaluated_at: float
