"""Every table of the studio, by wing.

All `*_at` columns are Unix seconds (UTC) as floats, on SQLite and PostgreSQL alike.
"""

from __future__ import annotations

from sqlmodel import SQLModel

from core.platform.db.tables.data import (
    DatasetVersion as DatasetVersion,
    FineTuningDataset as FineTuningDataset,
    SmartRow as SmartRow,
    Source as Source,
    TrainingExample as TrainingExample,
)
from core.platform.db.tables.platform import (
    ApiKey as ApiKey,
    ApiRequest as ApiRequest,
    BackgroundTask as BackgroundTask,
    Draft as Draft,
    FineTuningEvent as FineTuningEvent,
    LlmConnection as LlmConnection,
    ModelShutdown as ModelShutdown,
    Notice as Notice,
    NoticeDelivery as NoticeDelivery,
    NoticeReader as NoticeReader,
    NoticeTarget as NoticeTarget,
)
from core.platform.db.tables.serving import (
    Agent as Agent,
    AgentVersion as AgentVersion,
    ArenaMatch as ArenaMatch,
    ChatConversation as ChatConversation,
    ChatTurn as ChatTurn,
    Correction as Correction,
    Deployment as Deployment,
    Evaluation as Evaluation,
    EvaluationAnswer as EvaluationAnswer,
    Feedback as Feedback,
    ModelVerdict as ModelVerdict,
)
from core.platform.db.tables.spending import (
    BudgetLimit as BudgetLimit,
    BudgetReservation as BudgetReservation,
    TrainingPrice as TrainingPrice,
)
from core.platform.db.tables.training import (
    Calibration as Calibration,
    FineTunedModel as FineTunedModel,
    FineTuningJob as FineTuningJob,
    HostedRunRow as HostedRunRow,
    MetricPoint as MetricPoint,
    ModelTag as ModelTag,
    SampleAnswer as SampleAnswer,
)

# For queries that return columns instead of objects
_tables = SQLModel.metadata.tables
DATASETS, VERSIONS = _tables["fine_tuning_datasets"], _tables["dataset_versions"]
TASKS, EVENTS = _tables["background_tasks"], _tables["fine_tuning_events"]
JOBS, MODELS, DEPLOYMENTS = _tables["fine_tuning_jobs"], _tables["fine_tuned_models"], _tables["deployments"]
MODEL_TAGS, HOSTED_RUNS = _tables["model_tags"], _tables["hosted_runs"]
AGENTS, AGENT_VERSIONS = _tables["agents"], _tables["agent_versions"]
MATCHES = _tables["arena_matches"]
CONVERSATIONS, TURNS = _tables["conversations"], _tables["conversation_turns"]
FEEDBACK, CORRECTIONS = _tables["feedback"], _tables["corrections"]
POINTS, ANSWERS, CALIBRATIONS = _tables["metric_points"], _tables["sample_answers"], _tables["calibrations"]
API_KEYS, SOURCES = _tables["api_keys"], _tables["sources"]
API_REQUESTS, CONNECTIONS = _tables["api_requests"], _tables["llm_connections"]
SHUTDOWNS = _tables["model_shutdowns"]
NOTICES, NOTICE_TARGETS = _tables["notices"], _tables["notice_targets"]
NOTICE_DELIVERIES, NOTICE_READERS = _tables["notice_deliveries"], _tables["notice_readers"]
EVALUATIONS, EVALUATION_ANSWERS = _tables["evaluations"], _tables["evaluation_answers"]
EVALUATED_MODELS = _tables["evaluated_models"]
VERDICTS = _tables["verdicts"]
BUDGET_ROWS, RESERVATIONS = _tables["budgets"], _tables["budget_reservations"]
TRAINING_PRICES = _tables["training_prices"]
