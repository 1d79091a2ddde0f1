"""The results of the data wing's background tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.platform.tasks.results import TaskResult


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetResult(TaskResult):
    """Of every task that makes a dataset or a new version of one. `version_id` is empty for the first version."""

    dataset_id: str
    version_id: str = ""
    examples: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedResult(DatasetResult):
    """Of every task that reads a file to its end: `read` = `accepted` + `rejected`."""

    read: int = 0
    accepted: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionResult(CountedResult):
    """Of a conversion or an import, counted in rows. `left_out` counts the rejected ones by their code."""

    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatImportResult(CountedResult):
    """Of an import of conversations, counted in messages. `left` counts those left out by reason."""

    conversations: int = 0
    redacted: int = 0
    edited: int = 0
    left: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenResult(DatasetResult):
    """Of a task in which a language model wrote examples: rows by their end, cost, and flagged examples.

    `version_id` is empty where nothing was written, and for the first version. `run_id`: the run whose failed rows were
    asked again.
    """

    ok: int = 0
    failed: int = 0
    empty: int = 0
    duplicate: int = 0
    cost_usd: float = 0.0
    flagged: int = 0
    run_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationResult(TaskResult):
    """Of a check of a dataset version: the state of the dataset, and the number of findings by severity."""

    dataset_id: str
    state: str = ""
    findings: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityResult(TaskResult):
    """Of a quality check: the score (0-100) and the number of issues."""

    dataset_id: str
    version_id: str
    score: int
    issues: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MeaningResult(TaskResult):
    """Of a look by meaning: pairs of examples that are alike, held-out examples that training knows, topics."""

    dataset_id: str
    version_id: str
    alike: int
    known: int
    topics: int
