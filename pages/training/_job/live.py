"""The live part of the job screen: progress, tiles, curves, events. Polls until the job ends."""

from __future__ import annotations

import time
from typing import Literal

import streamlit as st

from core.services.platform import tasks
from core.services.training import jobs, monitoring
from core.services.training.jobs import JobRecord
from core.services.training.metrics import METRICS, Point, RunMetric
from pages.training._job import cost as job_cost, failure as job_failure, run_curves as job_run, samples as job_samples
from pages.ui import components, states
from pages.ui.charts import chart, runs as run_charts
from pages.ui.charts.points import Series, kept_step, series_of
from pages.ui.components import Tile
from pages.ui.errors import boundary
from pages.ui.format import clock, duration, format_loss, md, moment, number, plural, sentence
from pages.ui.tasks import words as task_words

POLL_S = 1.5
TRAINING_LOSS, VALIDATION_LOSS, TIME_LEFT = "Training loss, smoothed", "Validation loss", "Time left"  # tiles
IN_QUEUE = "Waiting in queue"
SLOW_S = 4.0
CARD_HEIGHT = 375  # pixels; of the loss chart with its controls
CARD_FRAME = 30
WAITING_HEIGHT = 210  # while there is no curve yet
FEW_EVENTS = 6
SPARK = 40  # points of the small curve in a tile
STEADY = 0.01  # a relative change of the validation loss below this is drawn as neutral
STEADY_LOSS = 0.001  # and so is a smaller change than this: a loss near zero only moves by noise

_ICONS = {
    "checkpoint": ":material/save:",
    "evaluation": ":material/insights:",
    "data": ":material/dataset:",
    "recovery": ":material/healing:",
    "state": ":material/radio_button_checked:",
    "service": ":material/cloud:",
}


def draw(job: JobRecord) -> None:
    """Progress, tiles, loss and events, sample answers, further curves, log."""
    moving = job.state in task_words.MOVING
    st.fragment(run_every=POLL_S if moving else None)(_now)(job.id, _look(job), [job])
    st.fragment(run_every=SLOW_S if moving else None)(_answers)(job.id, [job])
    st.fragment(run_every=SLOW_S if moving else None)(_quiet)(job.id, [job])


def _look(job: JobRecord) -> tuple[object, ...]:
    """What the page around the fragment shows; when it changes, the page reruns."""
    there = (bool(job.hosted and job.hosted.remote_id), job.starts_at)
    return there, job.state, job.command, tuple(job.actions), job.waiting_to_resume, job.model_id


def _read(job_id: str, first: list[JobRecord]) -> JobRecord:
    """The job now; the full run has just read it. `first` is empty afterwards."""
    return first.pop() if first else jobs.get_job(job_id)


def _now(job_id: str, drawn: tuple[object, ...], first: list[JobRecord]) -> None:
    with st.container(key="live_now"), boundary():
        job = _read(job_id, first)
        if _look(job) != drawn:
            st.rerun()
        points = series_of(job)
        _band(job)
        if job.state == "failed":
            job_failure.panel(job)
        if len(points):
            _tiles(job, points)
        components.section_gap()
        left, right = st.columns([8, 5], gap="medium")
        with left:
            _loss(job, points)
        with right:
            _events(job)


def _band(job: JobRecord) -> None:
    first = None if job.starts_at else jobs.first_task(job)
    with st.container(border=True, gap="xsmall", key="band"):
        with st.container(horizontal=True, horizontal_alignment="distribute", gap="xxsmall"):
            st.markdown(needed(first) if first else _where(job), width="content")
            st.markdown(f":gray[{_until_done(job, first) if first else _when(job)}]", width="content")
        st.progress(min(1.0, max(0.0, job.progress / 100)))
        if share := _share(job):
            st.caption(share)
        note = (
            task_words.why(job.waiting_reason) or task_words.command(job.command) or ("" if job.step else job.message)
        )
        if note and not first:  # the first line says what the job waits for
            st.caption(sentence(note))


def needed(first: jobs.FirstTask) -> str:
    """What the job waits for, with its progress: `**First: Build the starter model** · 40% done`."""
    return f"**First: {md(first.title)}**" + (f" · {first.progress:.0f}% done" if first.progress >= 1 else "")


def _until_done(job: JobRecord, first: jobs.FirstTask) -> str:
    """When the job begins, and how long it then takes, as far as that is known."""
    takes = float(job.forecast.get("time_expected_s") or 0)
    parts = [f"starts in about {duration(first.left_s)}"] if first.left_s else ["then this job starts"]
    return " · ".join(parts + ([f"then takes about {duration(takes)}"] if takes else []))


def _where(job: JobRecord) -> str:
    if job.starts_at is not None:
        return "**Planned**"
    if job.state == "pending":
        return f"**{IN_QUEUE}**"
    if job.state == "queued":
        return "**In the provider's queue**"
    if job.is_terminal or job.state == "paused":
        word = states.state_of(job.state).word
        early = " · stopped early, model saved" if job.reason == "stopped_early" and job.model_id else ""
        return f"**{word}** · {_steps(job)}{early}" if job.step else f"**{word}**"
    if job.waiting_to_resume:
        return f"**Waiting to resume** · {_steps(job)}"
    if job.state == "validating" and job.step:  # a run that continues; its bar stays where it was
        return f"**Preparing to continue** · {_steps(job)}"
    phase = task_words.phase_of(job.progress)
    if job.hosted and phase == "Training":
        return f"**Training** · {_steps(job)}" if job.step else "**Training**"
    if phase != "Training" or not job.step:
        return f"**{phase}**"
    epoch = min(int(job.epoch) + 1, job.num_epochs) if job.epoch < job.num_epochs else job.num_epochs
    return f"**Epoch {epoch:,} of {job.num_epochs:,}** · {_steps(job)}"


def _share(job: jobs.JobRecord) -> str:
    """What the bar shows; "" where there is no bar to explain."""
    if job.state == "pending" or job.is_terminal:
        return ""
    return f"{job.progress:.0f}% of the entire job, from checking the dataset to creating the model"


def _steps(job: JobRecord) -> str:
    return f"step {job.step:,} of {job.total_steps:,}" if job.total_steps else f"step {job.step:,}"


def _when(job: JobRecord) -> str:
    if job.is_terminal:
        lasted = f"duration {duration(job.duration_s)}" if job.duration_s else ""
        return " · ".join(
            part for part in (lasted, f"ended {clock(job.finished_at)}" if job.finished_at else "") if part
        )
    if job.starts_at is not None:
        return f"starts {moment(job.starts_at)}"
    if (left_s := _time_left(job)) is not None:
        return f"{duration(left_s)} left, done about {clock(time.time() + left_s)}"
    return f"created {clock(job.created_at)}"


def _time_left(job: JobRecord) -> int | None:
    """Seconds to the last step, at least 1; None where that is not known, or a command will end the run earlier."""
    if job.state != "running" or job.time_left_s is None or job.command:
        return None
    return max(1, round(job.time_left_s))


def _tiles(job: JobRecord, points: Series) -> None:
    train, validation = points.train, points.validation

    smooth = run_charts.thinned(run_charts.smoothed([p.loss for p in train]), SPARK)
    change = validation[-1].loss - validation[-2].loss if len(validation) > 1 else None
    items = [
        Tile(
            TRAINING_LOSS,
            format_loss(smooth[-1] if smooth else None),
            f"{smooth[-1] - smooth[0]:+.2f}" if len(smooth) > 1 else None,
            "inverse",
            "since start" if len(smooth) > 1 else None,
            smooth,
            help="The error on the training outputs, smoothed over the last steps. Lower is better.",
        ),
        Tile(
            VALIDATION_LOSS,
            format_loss(validation[-1].loss if validation else None),
            None if change is None else f"{change:+.1e}" if 0 < abs(change) < STEADY_LOSS else f"{change:+.3f}",
            "gray" if change is None or abs(change) < max(STEADY * validation[-1].loss, STEADY_LOSS) else "inverse",
            validation[-1].part or "last check" if change is not None else None,
            [p.loss for p in run_charts.thinned(validation, SPARK)],
            help="The loss on held-out examples. If it rises while the training loss falls, the model is memorizing. A "
            f"dataset without validation examples has none.{_part(validation)}",
        ),
        *(_tile(metric, points) for metric in METRICS if metric.tile and _has(points, metric)),
    ]
    if not validation and (job.is_terminal or not job.validation_examples):  # no validation examples
        items = [item for item in items if item.label != VALIDATION_LOSS]
    if job.model_id:
        items = _final_tiles(job, points)
    if (left_s := _time_left(job)) is not None:
        items.append(
            Tile(
                TIME_LEFT,
                duration(left_s),
                help="To the last step, at the pace of the newer half of the steps, with the validations between them.",
            )
        )
    components.tiles([*items, *job_cost.tile(job)], key="tiles")


def _final_tiles(job: JobRecord, points: Series) -> list[Tile]:
    """The figures of the entire run, as every other screen shows them, and those on held-out data."""
    tiles = []
    for metric in (metric for metric in METRICS if metric.tile or metric.id == "loss"):
        value, held_out = job.final(metric), job.final_validation(metric)
        if value is None:
            continue
        curve, held_curve = (_curve(series, metric) for series in (points.train, points.validation))
        own_tile = metric.id == "loss"  # the loss on held-out data is a figure to watch, with its own curve
        below = metric.write(held_out) if held_out is not None and not own_tile else None
        text = _FINAL.get(metric.id, metric.help)
        note = "held-out" if below else None
        tiles.append(Tile(metric.final_name, metric.write(value), below, "gray", note, curve, text, "off"))
        if held_out is not None and own_tile:
            tiles.append(Tile(metric.final_validation_name, metric.write(held_out), chart=held_curve, help=_HELD_OUT))
    return tiles


def _curve(points: list[Point], metric: RunMetric) -> list[float]:
    thinned = run_charts.thinned(points, SPARK)
    return [value for point in thinned if (value := point.value(metric.id)) is not None]


_FINAL = {
    "loss": "The training loss at the step whose weights the model has. Lower is better.",
    "tokens_per_s": "Real tokens, without padding, by the time in steps of the entire run.",
    "memory_bytes": "The most memory that the training process had at a time.",
}
_HELD_OUT = "The same on held-out examples, at the same step."


def _part(validation: list[Point]) -> str:
    """The sentence about a validation that uses only a part of the examples."""
    if not (validation and validation[-1].part):
        return ""
    return (
        f" Each validation of this run uses the same {validation[-1].part}, drawn at random: all of them would take "
        "too much of its time. A number that you choose for *Validate every* uses all."
    )


def _has(points: Series, metric: RunMetric) -> bool:
    return any(point.value(metric.id) is not None for point in points.train[-1:])


def _tile(metric: RunMetric, points: Series) -> Tile:
    """A metric's latest value with its curve; below it the value on held-out examples, or the total so far."""
    values = [value for point in points.train[-metric.mean_over :] if (value := point.value(metric.id)) is not None]
    held = points.validation[-1].value(metric.id) if points.validation else None
    total = points.train[-1].value(metric.total)
    below, word = (metric.write(held), "held-out") if held is not None else (number(total) if total else None, "total")
    return Tile(
        metric.now_name,
        metric.write(sum(values) / len(values)),
        below,
        "gray",
        word if below else None,
        _curve(points.train, metric),
        help=metric.help,
        arrow="off",
    )


def _loss(job: JobRecord, points: Series) -> None:
    components.heading("Loss", "Lower is better")
    with st.container(border=True, key="loss_card"):
        if not len(points):
            ended = job.is_terminal
            height = (140 if ended else WAITING_HEIGHT) - CARD_FRAME
            with st.container(height=height, border=False, horizontal_alignment="center", vertical_alignment="center"):
                components.large_icon("show_chart", "no_loss")
                st.caption("The run ended before its first step." if ended else _empty_chart(job), width="content")
            return
        smoothing = components.switch(
            "Smoothing",
            {name: name for name in run_charts.SMOOTHING},
            "smoothing",
            "Normal",
            labeled=True,
            help="How strongly the training curve is smoothed. The pale line shows the raw values.",
        )
        kept = kept_step(job)
        last = points.train[-1] if points.train else points.validation[-1]
        chart(
            lambda: run_charts.loss_figure(points.all, job.total_steps, job.num_epochs, smoothing=smoothing, kept=kept),
            token=(points.token, job.total_steps, job.num_epochs, smoothing, kept),
            key="loss",
            height=300,
            x="Step",
            legend=True,
            alt=f"Loss over {last.step} of {job.total_steps} steps; the last value is {last.loss:.3f}.",
        )


def _empty_chart(job: JobRecord) -> str:
    return (
        "The curve begins with the first step."
        if job.live_metrics
        else f"{job.provider_title} reports the curves when the job has ended."
    )


def _events(job: JobRecord) -> None:
    components.heading("Events", "Newest first")
    rows = [e for e in tasks.events(job.task_id) if e.kind != "log"][::-1]
    ended = job.is_terminal
    height: int | Literal["content"] = (
        CARD_HEIGHT if job.step else "content" if ended and len(rows) <= FEW_EVENTS else WAITING_HEIGHT
    )
    with st.container(border=True, height=height, gap="xsmall", key="events"):
        if not rows:
            st.caption("No events yet.")
        for event in rows[:40]:
            color = {"error": "red", "warning": "orange"}.get(event.level, "gray")
            icon = ":material/error:" if event.level == "error" else _ICONS.get(event.kind, ":material/info:")
            st.markdown(f":{color}[{icon}] {md(event.message)} :gray[· {clock(event.created_at)}]")
        if len(rows) > 40:
            st.caption(f"and {plural(len(rows) - 40, 'earlier event')}")


def _answers(job_id: str, first: list[JobRecord]) -> None:
    with boundary():
        prompts = monitoring.sample_answers(job_id)
        if any(prompt.answers for prompt in prompts):  # an empty container would leave a gap
            with st.container(key="live_answers"):
                job_samples.panel(_read(job_id, first), prompts)


def _quiet(job_id: str, first: list[JobRecord]) -> None:
    with st.container(key="live_quiet"), boundary():
        job = _read(job_id, first)
        points = series_of(job)
        if len(points):
            job_run.curves(job, points)
        with st.expander("Log", icon=":material/terminal:", key="log"):
            lines = tasks.log_tail(job.task_id)
            st.code("\n".join(lines[-200:]) or "The log is empty.", language=None, height=260, wrap_lines=True)
