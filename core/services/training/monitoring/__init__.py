"""Monitoring of runs: sample answers, example losses, several runs side by side, and the points as files."""

from core.services.training.monitoring.answers import PromptRecord, SampleRecord, sample_answers
from core.services.training.monitoring.comparison import Compared, DifferingSetting, Figure, compare
from core.services.training.monitoring.export import metrics_csv, metrics_tensorboard
from core.services.training.monitoring.losses import ExampleLosses, LossExample, example_losses, locate
