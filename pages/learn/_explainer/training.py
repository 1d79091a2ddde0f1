"""Explainer, third chapter: the methods compared, choosing a model, reading a loss curve."""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st

from core.services.learn.explain import compare
from core.services.training import jobs, metrics
from core.services.training.jobs import MemoryForecast
from pages.learn._explainer import curves
from pages.ui import charts, components
from pages.ui.fits import VERDICTS
from pages.ui.format import md, number, size

PART_COLORS = {
    "weights": charts.BASE,
    "process": charts.BASE_SOFT,
    "gradients": charts.TUNED_SOFT,
    "optimizer": charts.TUNED,
    "activations": charts.SEQ[2],
}


def methods() -> None:
    """All methods on a model size that the reader picks, each with the studio's forecast."""
    st.markdown(
        "All methods learn from the same labeled examples. They differ in **how much of the model is trained**: fewer "
        "parameters need less memory for gradients and optimizer state, and produce a smaller file."
    )
    with st.grid(3, min_column_width=220):
        chosen = st.select_slider("Size of the model", list(compare.SIZES), "7B", key="method_size")
        gpu = st.selectbox("Hardware", [compare.HERE, *compare.GPUS], 6, key="method_gpu")
        rank = st.select_slider("LoRA rank", [4, 8, 16, 32, 64, 128], 16, key="method_rank")
    rows = compare.compare_methods(chosen, gpu, rank=rank)
    with st.container(border=True):
        _memory_chart(rows, chosen, gpu)
        st.caption("Batch size 2, 2,048 tokens, weights in 16 bits on a GPU and 32 bits on a CPU.")
    with st.grid(3, min_column_width=250):
        for row in rows:
            _method_card(row)
        _rank_card(chosen)


def _memory_chart(rows: list[compare.MethodRow], chosen: str, gpu: str) -> None:
    titles = [row.about.title for row in reversed(rows)]
    fig = go.Figure()
    for part, color in PART_COLORS.items():
        values = [dict(row.memory.parts)[part] / compare.GIB for row in reversed(rows)]
        fig.add_bar(
            name=part.capitalize(), y=titles, x=values, orientation="h", marker_color=color, hovertemplate="%{x:.1f} GB"
        )
    free = rows[0].memory.free_bytes / compare.GIB
    fig.add_vline(
        x=free,
        line_color=charts.BAD,
        line_dash="dot",
        annotation_text=f"{free:.0f} GB free",
        annotation_font_color=charts.INK,
    )
    fig.update_layout(barmode="stack")
    alt = f"Memory for a {chosen} model on {gpu}: " + "; ".join(
        f"{row.about.title} {size(row.memory.expected)}, {row.memory.verdict}" for row in rows
    )
    charts.chart(fig, key="method_memory", alt=alt, height=290, x="GB at the peak of training, as forecast")


def _method_card(row: compare.MethodRow) -> None:
    word, color, icon = VERDICTS[row.memory.verdict]
    with st.container(border=True, height="stretch", gap="xsmall"):
        with components.spread():
            st.markdown(f"**:{row.about.color}[{row.about.icon}] {row.about.label()}**", width="content")
            st.badge(row.about.badge, color=row.about.color)
        st.caption(row.about.tagline)
        st.markdown(row.about.how)
        st.markdown(f":gray[{row.about.serves}]")
        st.markdown(
            f":small[{number(row.trained)} parameters trained ({_share(row.share)}) · file about "
            f"{size(row.file_bytes)}]"
        )
        low, high = size(row.memory.low), size(row.memory.high)
        st.markdown(f":{color}-badge[:material/{icon}: {word}] :small[{low} to {high}]")


def _share(share: float) -> str:
    return f"{100 * share:.0f}%" if share > 0.1 else f"{100 * share:.2g}%"


def _rank_card(chosen: str) -> None:
    """The number of trained parameters by LoRA rank."""
    sizes = compare.lora_sizes(chosen)
    with st.container(border=True, height="stretch", gap="xsmall"):
        st.markdown("**Parameters by rank**")
        st.caption(f"LoRA on all linear layers of a {chosen} model: rank × (inputs + outputs) for each layer.")
        for rank, count, share in sizes:
            with st.container(horizontal=True, horizontal_alignment="distribute"):
                st.markdown(f":small[rank {rank}]", width="content")
                st.markdown(f":small[{number(count / 1e6)} million · {100 * share:.2f}%]", width="content")


def choose() -> None:
    """Which model sizes and methods fit on a GPU, how long a run takes, and what it costs."""
    st.markdown(
        "Start with the **smallest model that answers well**, not with the largest that fits: it trains faster, "
        "answers faster and costs less to run. Move up one size if base and tuned model fail on the same questions."
    )
    with st.grid(3, min_column_width=220):
        gpu = st.selectbox("GPU", [compare.HERE, *compare.GPUS], 3, key="choose_gpu")
        examples = st.number_input("Examples", 10, 1_000_000, 500, step=50, key="choose_examples")
        price = st.number_input(
            f"GPU price per hour ({compare.currency()})", 0.0, 100.0, 1.5, step=0.5, key="choose_price"
        )
    answers, figures = st.columns([6, 5], gap="medium")
    with answers, st.container(border=True, gap="xsmall"):
        st.markdown("**What fits, at batch size 2 and 2,048 tokens**")
        for label, by_method in compare.fits(gpu).items():
            _fit_row(label, by_method)
    with figures, st.container(border=True, gap="xsmall"):
        _speed_card(gpu, int(examples), float(price))


def _fit_row(label: str, by_method: dict[str, MemoryForecast]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="xxsmall"):
        st.markdown(f"**{label}**", width=40)
        for title, memory in by_method.items():
            _, color, icon = VERDICTS[memory.verdict]
            st.markdown(
                f":{color}-badge[:material/{icon}: {title} {memory.expected / compare.GIB:.0f} GB]", width="content"
            )


def _speed_card(gpu: str, examples: int, price: float) -> None:
    st.markdown("**How long a run takes**")
    if gpu == compare.HERE:
        st.markdown("On this machine, *New job* can run a few real training steps and forecast the time from them.")
        return
    tokens = examples * 300 * 3
    st.caption(f"{examples:,} examples of 300 tokens, three epochs: {number(tokens)} tokens. LoRA.")
    for label in ("1.5B", "7B", "14B"):
        cost = compare.run_cost(label, gpu, "lora", tokens=tokens, price_per_hour=price)
        with st.container(horizontal=True, horizontal_alignment="distribute"):
            st.markdown(f"**{label}**", width="content")
            money = f" · {md(cost.text)}" if price else ""
            st.markdown(f"{_hours(cost.low_hours)} to {_hours(cost.high_hours)}{money}", width="content")
    st.caption(
        "Computed from 4 operations per weight and token, at 15 to 40% of the GPU's peak. Loading and saving take "
        "extra time."
    )


def _hours(hours: float) -> str:
    if hours < 1 / 60:
        return f"{max(1, round(hours * 3600))} s"
    return f"{hours * 60:.0f} min" if hours < 1.5 else f"{hours:.1f} h"


def loss_curves() -> None:
    """Illustrative curves and the reader's own runs, judged by the same rules."""
    st.markdown(
        "The **loss** measures how far the model's predictions are from your outputs: at 0 it would write them word "
        "for word. The *training* curve is the loss on training examples, the *validation* curve on examples that are "
        "never used for training."
    )
    finished = jobs.list_jobs(state="succeeded", limit=20)
    kinds = {shape.id: f"Illustration: {shape.title}" for shape in curves.SHAPES.values()}
    kinds |= {job.id: f"Your run: {job.name}" for job in finished}
    picked = st.selectbox("Curve", list(kinds), format_func=kinds.__getitem__, key="curve")
    if picked in curves.SHAPES:
        train, validation = curves.draw(picked)
        note = f"Generated from a formula, not measured; t is the step: {curves.SHAPES[picked].formula}"
    else:
        train, validation = _measured(picked)
        note = "Measured by this studio."
    reading = curves.read_curve(train, validation)
    figure, words = st.columns([7, 4], gap="medium")
    with figure, st.container(border=True):
        loss_chart(
            train,
            validation,
            f"Loss by step: {reading.title}",
            key="loss_curve",
            height=320,
            validation_mode="lines+markers",
        )
        st.caption(md(note) if picked not in curves.SHAPES else note)
    with words, st.container(border=True, gap="xsmall"):
        color = "green" if reading.verdict == "good" else "orange"
        st.markdown(f":{color}-badge[{reading.title}]")
        for sign in reading.signs:
            st.markdown(f":gray[:material/arrow_right:] {sign}")
        st.markdown(f"**What to do.** {reading.remedy}")


def _measured(job_id: str) -> tuple[curves.Points, curves.Points]:
    """The latest point of each step of a run."""
    newest = {(point.split, point.step): point.loss for point in metrics.since(job_id)}
    ordered = sorted((split, step, loss) for (split, step), loss in newest.items())
    train = [(step, loss) for split, step, loss in ordered if split == "train"]
    return train, [(step, loss) for split, step, loss in ordered if split == "validation"]


def loss_chart(
    train: curves.Points, validation: curves.Points, alt: str, key: str, height: int, validation_mode: str = "lines"
) -> None:
    """Training and validation loss by step."""
    fig = go.Figure()
    for name, points, mode, color in (
        ("Training", train, "lines", charts.BASE),
        ("Validation", validation, validation_mode, charts.TUNED),
    ):
        if points or name == "Training":
            steps, losses = [step for step, _ in points], [loss for _, loss in points]
            fig.add_scatter(name=name, x=steps, y=losses, mode=mode, line={"color": color, "width": 2})
    fig.update_yaxes(rangemode="tozero")
    charts.chart(fig, key=key, alt=alt, height=height, x="Step", y="Loss")
