"""Home: what supervised fine-tuning is, where to begin, and how far this studio has come."""

from __future__ import annotations

import streamlit as st

from core.services.learn import home
from pages.learn._home.parts import activity, counts, hero, journey, quick_actions
from pages.ui import face, guard
from pages.ui.boundary import boundary

guard.require()

with boundary():
    overview = home.overview()
    hero()
    face.section_gap()
    quick_actions()
    face.section_gap()
    counts(overview)
    face.section_gap()
    left, right = st.columns([8, 5], gap="medium")
    with left:
        activity(overview)
    with right:
        journey(overview)
