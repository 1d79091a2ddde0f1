"""The fine-tuning methods of a new job as cards, each with this studio's forecast for the dataset and the machine."""

from __future__ import annotations

import streamlit as st

from core.errors import StudioError
from core.services.platform import drafts
from core.services.training import choices, jobs
from core.services.training.choices import Method
from pages.training._new_job import forecast as job_forecast
from pages.ui import components
from pages.ui.fits import memory_md
from pages.ui.format import size, time_range
from pages.ui.wizard import draft_state

_CLAIMS = 3


def draw(draft: drafts.DraftRecord) -> None:
    """The recommended method first; of an odd number its card takes a row, so that the others fill their grid."""
    components.heading("Fine-Tuning Method", "Choose how your model will learn from labeled examples")
    methods = sorted(choices.METHODS, key=lambda method: not method.recommended)
    outlooks = {method.id: _outlook(draft, method.id) for method in methods}
    alone = len(methods) % 2
    for method in methods[:alone]:
        _card(draft, method, outlooks, wide=True)
    with st.grid(2, min_column_width=250):
        for method in methods[alone:]:
            _card(draft, method, outlooks)
    st.caption("The claims describe the methods in general. The numbers are this studio's forecast for your dataset.")


def _card(
    draft: drafts.DraftRecord, method: type[Method], outlooks: dict[str, jobs.Forecast | None], *, wide: bool = False
) -> None:
    outlook = outlooks[method.id]
    if components.choice_card(
        f"method_{method.id}",
        method.label(),
        method.tagline,
        icon=method.icon.removeprefix(":material/").removesuffix(":"),
        color=method.color,
        on=method.id == draft.state["method"],
        tag=method.badge,
        tag_color=method.color,
        claims=(*method.claims[:_CLAIMS], *_faster(outlook, outlooks[choices.recommended_method().id])),
        note=job_forecast.served_in(outlook) if outlook else "",
        facts=_facts(outlook) if outlook else "no forecast",
        wide=wide,
    ):
        config = choices.settings_for(draft.state["base_model"], method.id)
        draft_state.save(draft, method=method.id, method_config=config)
        st.rerun()


def _outlook(draft: drafts.DraftRecord, method_id: str) -> jobs.Forecast | None:
    """The forecast with this method; None where it cannot work."""
    given = job_forecast.choices(draft)
    if method_id != given["method"]:
        given |= {"method": method_id, "method_config": choices.settings_for(given["base_model"], method_id)}
    try:
        return job_forecast.of(given)
    except StudioError:
        return None


def _facts(outlook: jobs.Forecast) -> str:
    share = 100 * outlook.trainable_params / max(1, outlook.params)
    memory = memory_md(size(outlook.memory.expected), outlook.memory.verdict)
    return f"{'100' if share >= 99.95 else f'{share:.1f}'}% of weights · {memory}"


def _faster(outlook: jobs.Forecast | None, usual: jobs.Forecast | None) -> tuple[str, ...]:
    """A claim that only this machine's measurements can make: that the method is faster than the recommended one."""
    if outlook is None or usual is None or not outlook.time.is_faster_than(usual.time):
        return ()
    low, high = outlook.time.low_s or 0, outlook.time.high_s or 0
    return (f"Even faster than {choices.recommended_method().title} here: {time_range(low, high)}",)
