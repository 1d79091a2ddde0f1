"""The metrics of a run. Each is defined once here: its name, its unit, its exports, its chart and its tile.

    METRICS.add(RunMetric("perplexity", "Perplexity", read=lambda values: exp(values["loss"]), panel="run"))

That one line makes the worker write it, and the job's screen, the CSV file and TensorBoard show it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from core.registry import Registry
from core.text import format_loss, number, share, size

Values = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class RunMetric:
    """One metric of a run.

    Attributes:
        id: its name in the database, the CSV file and the worker's measurements.
        title: its name on the screens.
        read: takes its value from what the worker measured at a step (the trainer's own log included; see
            `worker.training.callbacks`); by default the measurement of the same name. None: not measured.
        unit, scale: of its chart: a stored value times `scale` is a number of `unit`.
        tag: its name in TensorBoard, which groups by the part before the slash; by default the id.
        panel: the group of small charts that shows it; "" shows no small chart.
        planned: it follows a schedule instead of being measured, and is drawn in another color.
        forecast: the two entries of the job's forecast that bound it, drawn as a band behind the curve.
        better: which values are better in the comparison of several runs: higher (1) or lower (-1) ones; 0 leaves the
            metric out of it.
        final: the entry of a finished run's measurements with the value of the entire run; by default that of the step
            whose weights the model has.
        entire: the name of that value; by default `Final` with the title.
        tile: its short name on a tile of the job's screen; "" shows no tile.
        write: its value in words.
        mean_over: while a run is going on, the tile shows the mean of the last so many steps.
        total: the metric that the tile shows below it, as the sum so far.
        help: the tile's explanation.
    """

    id: str
    title: str
    read: Callable[[Values], float | None] | None = None
    unit: str = ""
    scale: float = 1.0
    tag: str = ""
    panel: Literal["", "run", "gpu"] = ""
    planned: bool = False
    forecast: tuple[str, str] | None = None
    better: Literal[-1, 0, 1] = 0
    final: str = ""
    entire: str = ""
    tile: str = ""
    write: Callable[[float | None], str] = number
    mean_over: int = 1
    total: str = ""
    help: str = ""

    @property
    def axis(self) -> str:
        """Its title with its unit, as a chart names it: `Memory (GB)`."""
        return f"{self.title} ({self.unit})" if self.unit else self.title

    @property
    def now_name(self) -> str:
        """The name of its value while a run is going on: `Token accuracy, smoothed`."""
        name = self.tile or self.title
        return f"{name}, smoothed" if self.mean_over > 1 else name

    @property
    def final_name(self) -> str:
        """The name of its value for an entire run: `Final token accuracy`, `Peak memory`."""
        return self.entire or f"Final {self.title[0].lower()}{self.title[1:]}"

    @property
    def final_validation_name(self) -> str:
        """The name of its final value on held-out examples: `Final validation loss`."""
        return f"Final validation {self.title[0].lower()}{self.title[1:]}"

    def of(self, values: Values) -> float | None:
        """Its value among the measurements of a step; None where it was not measured or is not a finite number."""
        value = values.get(self.id) if self.read is None else self.read(values)
        return value if value is not None and math.isfinite(value) else None


@dataclass(frozen=True, slots=True)
class Point:
    """What was measured at one step of a run.

    Attributes:
        split: train or validation.
        step: an optimizer step, from 1.
        values: by metric; a metric that was not measured is left out.
        id: of the stored row, in the order of writing; 0 before it is stored.
    """

    split: str
    step: int
    values: Mapping[str, float]
    id: int = 0
    created_at: float = field(default_factory=time.time)

    @classmethod
    def of(cls, split: str, step: int, measured: Values) -> Point:
        """The point of a step, with every metric that the measurements contain."""
        read = {metric.id: metric.of(measured) for metric in METRICS}
        return cls(split, step, {name: value for name, value in read.items() if value is not None})

    def value(self, metric_id: str) -> float | None:
        """The value of a metric; None where it was not measured."""
        return self.values.get(metric_id)

    @property
    def loss(self) -> float:
        """The mean cross-entropy per token that carries loss; the one metric that every point has."""
        return self.values["loss"]

    @property
    def epoch(self) -> float:
        """Passes over the training data so far."""
        return self.values.get("epoch", 0.0)

    @property
    def tokens(self) -> int:
        """Non-pad tokens trained on since the start of the run."""
        return int(self.values.get("tokens", 0))

    @property
    def part(self) -> str:
        """`12 of 20 examples` for a validation that used only a part of them, else ""."""
        used, total = (int(self.values.get(name, 0)) for name in ("validation_examples", "validation_of"))
        return f"{used:,} of {total:,} examples" if 0 < used < total else ""


GIGABYTES: Final = 1 / 1024**3
METRICS: Final = Registry[RunMetric]("metric of a run")
for _metric in (
    RunMetric("epoch", "Epoch"),
    RunMetric("loss", "Loss", better=-1, final="final_loss", write=format_loss),
    RunMetric(
        "token_accuracy",  # a share of the tokens that carry loss, 0..1
        "Token accuracy",
        read=lambda values: values.get("token_accuracy", values.get("mean_token_accuracy")),  # TRL's name for it
        unit="%",
        scale=100.0,
        panel="run",
        better=1,
        tile="Token accuracy",
        write=share,
        mean_over=10,
        help="The share of the output's tokens that the model predicts correctly; below it, the same on held-out "
        "examples. Higher is better.",
    ),
    RunMetric("grad_norm", "Gradient norm", tag="optimizer/grad_norm", panel="run"),
    RunMetric("learning_rate", "Learning rate", tag="optimizer/learning_rate", panel="run", planned=True),
    RunMetric("tokens", "Tokens", tag="speed/tokens"),
    RunMetric("validation_examples", "Validation examples", tag="validation/examples"),  # that a validation used
    RunMetric("validation_of", "Validation examples in all", tag="validation/of"),
    RunMetric(
        "tokens_per_s",
        "Tokens per second",
        tag="speed/tokens_per_s",
        panel="run",
        better=1,
        final="tokens_per_s",
        entire="Mean tokens per second",
        tile="Tokens per second",
        total="tokens",
        help="Real tokens, without padding; below it, how many were trained on so far.",
    ),
    RunMetric(
        "memory_bytes",  # resident set of the process, or what torch allocated on the GPU
        "Memory",
        unit="GB",
        scale=GIGABYTES,
        tag="memory/bytes",
        panel="run",
        forecast=("memory_low", "memory_high"),
        better=-1,
        final="peak_memory_bytes",
        entire="Peak memory",
        tile="Memory",
        write=size,
        help="The memory of the training process.",
    ),
    RunMetric(
        "mfu",  # of the device's peak, 0..1
        "Model FLOPs utilization",
        unit="%",
        scale=100.0,
        tag="speed/mfu",
        panel="gpu",
        entire="Final MFU",
        tile="MFU",
        write=share,
        help="Model FLOPs utilization: how much of the GPU's peak speed the training of the model uses.",
    ),
    RunMetric("gpu_utilization", "GPU utilization", unit="%", tag="gpu/utilization_percent", panel="gpu"),
    RunMetric("gpu_temperature_c", "Temperature", unit="°C", tag="gpu/temperature_c", panel="gpu"),
    RunMetric("gpu_power_w", "Power", unit="W", tag="gpu/power_w", panel="gpu"),
    RunMetric(
        "memory_reserved_bytes",  # held from the GPU by torch, used or not
        "Memory reserved",
        unit="GB",
        scale=GIGABYTES,
        tag="memory/reserved_bytes",
        panel="gpu",
        write=size,
    ),
):
    METRICS.add(_metric)


def final_loss_text(loss: float | None) -> str:
    """The final loss of a run in running text: `final loss 0.947`; "" where there is none."""
    return "" if loss is None else f"final loss {format_loss(loss)}"
