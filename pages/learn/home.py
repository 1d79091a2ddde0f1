"""Home: what supervised fine-tuning is, where to start, and what this studio contains."""

from __future__ import annotations

import streamlit as st

from core.services.learn import demo, home
from pages.learn._home.overview import activity, counts, journey
from pages.learn._home.real_model import real_model
from pages.learn._home.running_demo import running_demo
from pages.learn._home.welcome import hero, quick_actions
from pages.ui import components, guard
from pages.ui.errors import boundary

guard.require()

with boundary():
    overview = home.overview()
    hero(overview.is_empty)
    components.section_gap()
    started = demo.current()
    if started and not started.finished:
        running_demo(started)
        components.section_gap()
    quick_actions()
    components.section_gap()
    if base := home.unused_real_model():
        real_model(base)
        components.section_gap()
    counts(overview)
    components.section_gap()
    left, right = st.columns([8, 5], gap="medium")
    with left:
        activity(overview)
    with right:
        journey(overview)
