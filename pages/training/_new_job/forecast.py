"""The forecast panel: memory by part, time, disk, truncation, and where the model can be served."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.services.platform import drafts, tasks
from core.services.training import jobs
from core.services.training.choices import AUTO, DEFAULT_PROVIDER, GENERAL_EPOCHS
from pages.training._job.facts import CHOSEN
from pages.ui import components
from pages.ui.errors import boundary
from pages.ui.fits import VERDICTS, memory_md
from pages.ui.format import md, plural, sentence, size, time_range
from pages.ui.tasks import words as task_words
from pages.ui.wizard import draft_state

POLL_S = 1.0
_PARTS = {  # by the names of the forecast: words on the screen and shade; small parts share a line
    "weights": ("Model weights", 1),
    "gradients": ("Gradients and optimizer", 2),
    "optimizer": ("Gradients and optimizer", 2),
    "activations": ("Activations", 3),
    "holes": ("Freed, not returned yet", 4),
    "loading": ("Loading the base", 5),
    "overhead": ("Process", 6),
    "process": ("Process", 6),
}


def choices(draft: drafts.DraftRecord) -> dict[str, Any]:
    """The draft's choices as the job service takes them."""
    state = draft.state
    return {
        "dataset_id": state["dataset_id"],
        "base_model": state["base_model"],
        "method": state["method"],
        "method_config": state.get("method_config") or {},
        "training": state.get("training") or {},
        "engine": state.get("engine") or AUTO,
        "provider": state.get("provider") or DEFAULT_PROVIDER,
    }


def of(given: dict[str, Any]) -> jobs.Forecast:
    """The forecast for a draft's choices."""
    names = ("dataset_id", "base_model", "method", "method_config", "training", "engine", "provider")
    return jobs.forecast(*(given[name] for name in names))


def panel(draft: drafts.DraftRecord, forecast: jobs.Forecast) -> None:
    """One panel with the consequences of the choices at the left."""
    components.heading("Forecast", "For your current choices")
    with st.container(border=True, gap="small", key="forecast"):
        _memory(forecast.memory, forecast.precision.label)
        _alternatives(draft, forecast)
        st.divider()
        _time(draft, forecast)
        st.divider()
        _numbers(forecast)
        _lengths(forecast)
        st.divider()
        _serving(forecast.serving)
        if record := jobs.track_record().text:
            st.divider()
            st.caption(f":material/target: {record}", help="Whether the forecasts' ranges contained what was measured.")


def _memory(memory: jobs.MemoryForecast, precision: str) -> None:
    word, color, icon = VERDICTS[memory.verdict]
    with components.spread():
        st.markdown("**Memory**", width="content")
        st.badge(word.capitalize(), color=color, icon=f":material/{icon}:")
    used = memory_md(f"{size(memory.low)} to {size(memory.high)}", memory.verdict)
    st.markdown(f"**{used}** :gray[of {size(memory.free_bytes)} free · {md(memory.device)} · {md(precision)}]")
    parts: dict[tuple[str, int], float] = {}
    for name, amount in memory.parts:
        if amount:
            label = _PARTS.get(name, (name.capitalize(), 6))
            parts[label] = parts.get(label, 0) + amount
    bar = [(name, amount) for (name, _), amount in parts.items()]
    components.memory_bar(bar, max(memory.free_bytes, 1), [shade for _, shade in parts])
    if memory.verdict != "fits":  # otherwise the badge and the line above say the same
        st.markdown(f":small[:{color}[:material/{icon}: {sentence(memory.text)}]]")
    if memory.measured:
        st.caption(":material/straighten: This range was measured on this machine.")


def _alternatives(draft: drafts.DraftRecord, forecast: jobs.Forecast) -> None:
    """Choices that would fit, as buttons; nothing if the current one fits."""
    fitting = jobs.alternatives(forecast, *choices(draft).values())
    if fitting:
        st.caption("This would fit:")
    for number, one in enumerate(fitting):
        if st.button(md(one.text), icon=":material/swap_horiz:", key=f"fits_{number}", width="stretch"):
            draft_state.save(draft, method=one.method, method_config=one.method_config, training=one.training)
            st.rerun()


def _time(draft: drafts.DraftRecord, forecast: jobs.Forecast) -> None:
    st.markdown("**Time**")
    if forecast.time.low_s is not None and forecast.time.high_s is not None:
        st.markdown(f"**{time_range(forecast.time.low_s, forecast.time.high_s)}** :gray[measured on this machine]")
        _cost(forecast)
        return
    task_id = draft.state.get("calibration_task_id")
    if task_id and draft.state.get("calibration_key") == forecast.calibration_key:
        task = tasks.get_task(task_id)
        if not task.is_terminal:
            st.fragment(run_every=POLL_S)(_measuring)(task_id)
            return
        if task.state == "failed":
            message = sentence(task.error.get("message", "The measurement failed."))
            st.markdown(f":small[:red[{message}] {sentence(task.error.get('remedy', ''))}]")
    if rough := jobs.rough_time(forecast):
        st.markdown(f"Roughly **{time_range(*rough)}** :gray[estimated from this processor]")
        _cost(forecast)
    st.caption("Not measured yet: a few real steps on this machine give a better estimate. The first run measures too.")
    if st.button("Measure a few steps", icon=":material/speed:", key="measure"):
        task = jobs.calibrate(**{name: value for name, value in choices(draft).items() if name != "provider"})
        draft_state.save(draft, calibration_task_id=task.id, calibration_key=forecast.calibration_key)
        st.rerun()


def _cost(forecast: jobs.Forecast) -> None:
    if (cost := jobs.cost_range(forecast)) is not None:
        st.caption(f":material/payments: Cost: {md(cost.text)}.")


def _measuring(task_id: str) -> None:
    """The progress of the measurement; the page reruns when it ends."""
    with st.container(key="live_measure"), boundary():
        task = tasks.get_task(task_id)
        if task.is_terminal:
            st.rerun()
        reason = tasks.waiting_reason(task)
        words = task_words.why(reason) or task.message or "Measuring a few steps"
        st.progress(min(1.0, task.progress / 100), text=f":small[{sentence(words)}]")


def _numbers(forecast: jobs.Forecast) -> None:
    share = 100 * forecast.trainable_params / max(1, forecast.params)
    with st.grid(3, min_column_width=80, wrap=False, gap="small"):
        for name, value in (
            ("Steps", f"{forecast.training.total_steps:,}"),
            ("Saved model", size(forecast.disk.model_bytes)),
            ("Weights trained", "100%" if share >= 99.95 else f"{share:.1f}%"),
        ):
            with st.container(gap=None):
                st.caption(name)
                st.markdown(f"**{value}**")
    if forecast.disk.verdict == "fits":  # otherwise it is one of the warnings
        most, free = size(forecast.disk.peak_bytes), size(forecast.disk.free_bytes)
        st.caption(
            f":material/hard_drive: Up to {most} of disk space during the run, including checkpoints; {free} free."
        )
    epochs = plural(forecast.training.num_epochs, "epoch")
    st.caption(f":material/repeat: **{epochs}**{_why_so_many(forecast)}")
    st.caption(f":material/data_usage: {forecast.total_tokens:,} tokens in {epochs}, {md(forecast.lengths.counted)}.")


def about_epochs(forecast: jobs.Forecast) -> str:
    """The general default, and why this job's number of epochs is another one."""
    epochs, usual = forecast.training.num_epochs, GENERAL_EPOCHS
    if epochs == usual:
        return f"General default {usual}"
    verb = "raised" if epochs > usual else "lowered"
    return f"General default {usual} · {verb} to {epochs}: {md(forecast.sources['num_epochs'])}"


def _why_so_many(forecast: jobs.Forecast) -> str:
    """The reason for a number of epochs that *auto* raised, in a few words."""
    if forecast.training.num_epochs <= GENERAL_EPOCHS or forecast.sources["num_epochs"] == CHOSEN:
        return ""
    examples = plural(forecast.lengths.examples, "example")
    return f", chosen by *auto*: a small model has to see {examples} many times to learn them. Usual: {GENERAL_EPOCHS}."


def _lengths(forecast: jobs.Forecast) -> None:
    """Whether examples are truncated, and the other warnings of the forecast."""
    if not forecast.over_length and not forecast.answers_lost:
        limit = f"{forecast.training.max_seq_length:,} tokens"
        sure = "" if forecast.lengths.exact else ", as far as estimated"
        st.caption(f":green[:material/check:] Every example fits into {limit}{sure}; nothing is cut off.")
    no_room = forecast.disk.text if forecast.disk.verdict == "too_large" else ""  # the launch will be refused
    for warning in forecast.warnings:
        if warning == forecast.memory.text:  # shown under the bar
            continue
        mark = ":red[:material/error:]" if warning == no_room else ":orange[:material/warning:]"
        st.caption(f"{mark} {sentence(warning)}")


def _serving(serving: Sequence[jobs.ServingPlace]) -> None:
    """A line per place; those with the same answer share it."""
    st.markdown("**Can be served in**")
    alike: dict[tuple[bool, bool, str], list[str]] = {}
    for place in serving:
        alike.setdefault((place.ok, place.works_here, place.reason), []).append(place.target)
    for (ok, works_here, reason), targets in alike.items():
        with st.container(gap=None):
            with components.spread(gap="xsmall"):
                st.markdown(md(", ".join(targets)), width="content")
                if ok and works_here:
                    st.badge("Yes", color="green", icon=":material/check_circle:")
                elif ok:
                    st.badge("By publishing", color="gray", icon=":material/rocket_launch:")
                else:
                    st.badge("No", color="gray", icon=":material/block:")
            if reason and not (ok and works_here):
                st.caption(md(reason))


def served_in(forecast: jobs.Forecast) -> str:
    """The targets in one short line for a card: `Served in SFT Studio, vLLM`."""
    places = [place.target.partition(" (")[0] for place in forecast.serving if place.ok]
    if not places:
        return "Not servable yet"
    return f"Served in {', '.join(places)}" + (" only" if len(places) == 1 else "")
