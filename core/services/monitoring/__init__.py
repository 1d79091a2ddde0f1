"""Looking at runs: what a model answers while it learns, which examples it did not learn, several runs side by side,
and the points as files."""

from core.services.monitoring.answers import PromptRecord, SampleRecord, sample_answers
from core.services.monitoring.comparison import Compared, Figure, Setting, compare
from core.services.monitoring.export import metrics_csv, metrics_tensorboard
from core.services.monitoring.losses import ExampleLosses, LossExample, example_losses, locate

__all__ = [
    "Compared",
    "ExampleLosses",
    "Figure",
    "LossExample",
    "PromptRecord",
    "SampleRecord",
    "Setting",
    "compare",
    "example_losses",
    "locate",
    "metrics_csv",
    "metrics_tensorboard",
    "sample_answers",
]
