"""The static part of the job screen: forecast and measurement, and every setting with its source."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.services.training import choices, jobs
from core.services.training.choices import ResolvedTraining, TrainingConfig
from pages.ui import components
from pages.ui.format import md, moment
from pages.ui.forms import applies, value_text

CHOSEN = "chosen by you"
_WITHIN = {True: ":green[:material/check:]", False: ":orange[:material/warning:]"}


def forecast_and_measured(job: jobs.JobRecord) -> None:
    """The forecast compared with what the run measured, once it has ended."""
    rows = jobs.forecast_and_measured(job)
    if not rows:
        return
    components.section_gap()
    components.heading("Forecast and measured", "What the studio predicted, and what the run took")
    with st.container(border=True, key="measured"):
        _side_by_side(rows)
        if record := jobs.track_record().text:
            st.caption(
                f":material/target: {record}",
                help="A forecast is a range, because the time and the memory of a run vary with what else this machine "
                "does. What counts is whether the measured value is in the range.",
            )


def _side_by_side(rows: list[jobs.Comparison]) -> None:
    with st.grid(3, min_column_width=90, wrap=False, gap="small"):
        for word in ("", "Forecast", "Measured"):
            st.caption(word)
        for row in rows:
            st.markdown(f":small[{md(row.name)}]")
            st.markdown(f":small[:gray[{_unbroken(md(row.forecast))}]]")
            mark = "" if row.within is None else _WITHIN[row.within]
            off = f" :gray[{md(row.verdict)}]" if row.within is False else ""
            st.markdown(f":small[**{_unbroken(md(row.measured))}** {mark}{off}]")


def _unbroken(text: str) -> str:
    """Keep a number and its unit on one line: `505 MB to` above `684 MB`."""
    return re.sub(r"(?<=\d) (?=[A-Za-z]+( to |$))", "\N{NO-BREAK SPACE}", text)


def settings(job: jobs.JobRecord) -> None:
    """Every setting of the run, as it was at launch."""
    with st.expander("Settings of this job", icon=":material/tune:", key="settings"):
        spec = job.spec
        if spec.hosted:
            components.facts(_there(job))
            return
        components.facts(
            [
                ("Dataset", job.dataset_name),
                ("Base model", job.base_title),
                ("Method", job.method_title),
                ("Engine", engine(spec.engine, spec.engine_reason)),
                ("Computes in", precision(*job.precision)),
                ("Provider", choices.provider_text(job.provider)),
                ("Created", moment(job.created_at)),
                ("Job id", job.id),
            ]
        )
        st.divider()
        every = hyperparameters(spec.method, spec.method_config, spec.training, spec.training_sources)
        components.facts([setting.row for setting in every])


def _there(job: jobs.JobRecord) -> list[tuple[str, str]]:
    """The settings of a job at a hosted service, under the service's names."""
    hosted = job.spec.hosted
    assert hosted is not None
    return [
        ("Dataset", job.dataset_name),
        ("Base model", job.base_title),
        ("Method", job.method_title),
        ("Provider", f"{hosted.connection}  ·  {job.provider_title}"),
        *((name, str(value)) for name, value in hosted.hyperparameters.items()),
        ("Created", moment(job.created_at)),
        ("Job id", job.id),
    ]


def engine(engine_id: str, reason: str) -> str:
    """An engine and the reason it was chosen, in one line."""
    title = choices.engine_title(engine_id)
    return f"{title}  ·  {reason}" if reason else title


def precision(name: str, reason: str) -> str:
    """What a run computes in and why, in one line."""
    return f"{name}  ·  {reason}" if reason else name or "not recorded"


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting with its value as text; `chosen` if a user chose it."""

    name: str
    title: str
    value: str
    origin: str

    @property
    def chosen(self) -> bool:
        return self.origin == CHOSEN

    @property
    def row(self) -> tuple[str, str]:
        return self.title, f"{self.value}  ·  {self.origin}"


def hyperparameters(
    method_id: str, method_config: Mapping[str, Any], training: ResolvedTraining, sources: Mapping[str, str]
) -> list[Setting]:
    """Each setting that has an effect; those of the method come first."""
    rows: list[Setting] = []
    method, general = choices.METHODS.get(method_id), training.model_dump()
    for name, field in method.model_fields.items():
        if applies(field, method_config, method):
            value = method_config.get(name, field.default)
            origin = "default" if value == field.default else CHOSEN
            rows.append(Setting(name, field.title or name, value_text(field, value), origin))
    for name, field in TrainingConfig.model_fields.items():
        if applies(field, general, TrainingConfig):
            value = value_text(field, general[name])
            rows.append(Setting(name, field.title or name, value, sources.get(name, "default")))
    return rows
