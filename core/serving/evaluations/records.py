"""Evaluations as services return them: frozen records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final, Literal, Self

from core.serving.evaluation import Score
from core.text import plural

Kind = Literal["base", "tuned", "connection"]
Decision = Literal["ship", "dont_ship", "no_difference"]
DECISIONS: Final[Mapping[str, str]] = {"ship": "Ship", "dont_ship": "Don't ship", "no_difference": "No difference"}
SCHEMA_VERSION: Final = 1  # of a summary; grows when a field changes its meaning


@dataclass(frozen=True, slots=True)
class Contestant:
    """A model that answers: a base or tuned one of the studio by its id there, or one behind a connection."""

    id: str
    title: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class EvaluationSettings:
    """How answers are generated and compared.

    Attributes:
        limit: the first examples that are asked; None: all.
        max_tokens: of an answer; None: half again as long as the longest expected output.
        against: the id of the model that the others are compared with; "" for none.
        suites: ids of the guard suites that every model answers too.
        repeats: how often `against` answers everything, which measures its noise.
        main: the id of the metric that the verdict is about; "": the one that fits the outputs.
        custom: definitions of further metrics (core.serving.evaluation.custom).
        judge: {model, rubric} of a rubric judge; {} for none.
    """

    limit: int | None = None
    max_tokens: int | None = None
    temperature: float = 0.0
    seed: int = 0
    against: str = ""
    suites: tuple[str, ...] = ()
    repeats: int = 1
    main: str = ""
    custom: tuple[Mapping[str, Any], ...] = ()
    judge: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As the row stores it."""
        return asdict(self)

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Self:
        """From a row; fields of a newer release are ignored."""
        known = {item.name for item in fields(cls)} & set(raw)
        values: dict[str, Any] = {
            name: tuple(raw[name]) if isinstance(raw[name], list) else raw[name] for name in known
        }
        return cls(**values)


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """The figures of one model.

    Attributes:
        scores: on the dataset.
        suites: {suite: (passed, items)}.
        answered, failed: questions with and without an answer.
        noise: of the main metric, measured by repeated answers; None where there are none.
        parts: {split: figures} of an evaluation of all examples, {source: figures} of one of a split whose examples
            have several sources; else {}.
    """

    model_id: str
    scores: tuple[Score, ...]
    suites: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    answered: int = 0
    failed: int = 0
    noise: float | None = None
    parts: Mapping[str, tuple[Score, ...]] = field(default_factory=dict)

    def score(self, metric: str) -> Score | None:
        """The first figure of a metric."""
        return next((score for score in self.scores if score.metric == metric), None)


@dataclass(frozen=True, slots=True)
class UnaskedExamples:
    """Examples that were not asked: a stable code (no_output, tools), how many, and why as the end of a sentence."""

    code: str
    count: int
    text: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What came out. `main` is the id of the metric that the leaderboard sorts by.

    Attributes:
        left_out: examples that were not asked, and why; of evaluations before these reasons only the number.
        given_up: why a custom metric has no figure, a sentence for each.
    """

    main: str
    models: tuple[ModelSummary, ...]
    left_out: int = 0
    left_out_reasons: tuple[UnaskedExamples, ...] = ()
    given_up: tuple[str, ...] = ()
    schema_version: int = SCHEMA_VERSION

    @property
    def left_out_text(self) -> str:
        """How many examples were left out, and why, in one sentence; "" for none."""
        if not self.left_out:
            return ""
        reasons = self.left_out_reasons or (UnaskedExamples("", self.left_out, "no output in words, or tools"),)
        each = (f"{plural(one.count, 'example was', 'examples were')} left out: {one.text}." for one in reasons)
        return " ".join(each)

    def of(self, model_id: str) -> ModelSummary | None:
        """The figures of one model."""
        return next((one for one in self.models if one.model_id == model_id), None)

    def to_dict(self) -> dict[str, Any]:
        """As the row stores it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """From a row."""
        models = tuple(
            ModelSummary(
                one["model_id"],
                tuple(Score(**score) for score in one["scores"]),
                {suite: (counts[0], counts[1]) for suite, counts in one["suites"].items()},
                one["answered"],
                one["failed"],
                one.get("noise"),
                {part: tuple(Score(**score) for score in scores) for part, scores in one.get("parts", {}).items()},
            )
            for one in raw["models"]
        )
        reasons = tuple(UnaskedExamples(**one) for one in raw.get("left_out_reasons", ()))
        version = raw.get("schema_version", SCHEMA_VERSION)
        return cls(raw["main"], models, raw.get("left_out", 0), reasons, tuple(raw.get("given_up", ())), version)


@dataclass(frozen=True, slots=True)
class EvaluationRecord:
    """An evaluation. `summary` is None until it ended; `state` is that of its task."""

    id: str
    task_id: str
    name: str
    dataset_id: str
    dataset_name: str
    dataset_version_id: str
    split: str
    models: tuple[Contestant, ...]
    metrics: tuple[str, ...]
    settings: EvaluationSettings
    summary: Summary | None
    created_at: float
    archived_at: float | None
    state: str = ""

    def title_of(self, model_id: str) -> str:
        """The title of one of its models."""
        return next((model.title for model in self.models if model.id == model_id), model_id)


@dataclass(frozen=True, slots=True)
class AnswerRecord:
    """One answer; see the columns of `evaluation_answers`."""

    model_id: str
    suite: str
    position: int
    repeat: int
    answer: str
    error: str = ""
    finish_reason: str = ""
    prompt_tokens: int = 0
    tokens: int = 0
    seconds: float = 0.0
    scores: Mapping[str, float] = field(default_factory=dict)
    logprob: float | None = None
    expected_tokens: int = 0


@dataclass(frozen=True, slots=True)
class VerdictReason:
    """One reason of a verdict: about the task or a suite; `ok` is None where it neither speaks for nor against."""

    about: str  # "task", or the id of a suite
    ok: bool | None
    text: str
    before: float = 0.0
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class VerdictRecord:
    """Whether a model may replace its parent. `override` is {reason, by, at}, or {}."""

    id: str
    candidate_id: str
    parent_id: str
    evaluation_id: str
    decision: Decision
    reasons: tuple[VerdictReason, ...]
    override: Mapping[str, Any]
    created_at: float

    @property
    def title(self) -> str:
        """In words."""
        return DECISIONS[self.decision]

    @property
    def blocks(self) -> bool:
        """Whether *Deploy* needs an override."""
        return self.decision == "dont_ship" and not self.override


def pairs(answers: Sequence[AnswerRecord]) -> dict[tuple[str, int], AnswerRecord]:
    """Answers by (suite, position)."""
    return {(answer.suite, answer.position): answer for answer in answers}
